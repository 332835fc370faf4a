"""The pipeline: the same bytes for any number of processes and after any cut, reasons kept, no duplicates."""

import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.records import Trajectory, read_jsonl, read_parquet
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues import generate
from tastemaker.synthesis.dialogues.generate import DialogueConfig, Rewriter, build_dialogues
from tastemaker.synthesis.verification.rules import verify
from tastemaker.synthesis.verification.specimens import TOOLS

Build = Any
"""`build(out, workers=…, progress=…, rewriter=…, of the maker: seed=…, kinds=…)`."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pool") / "apis.jsonl"
    apis = [
        Api(id=domain, spec=TOOLS[0], area="Sea", domain=domain, path=("ferry", "find"))
        for domain in ("ferries", "tides")
    ]
    path.write_text("".join(api.model_dump_json() + "\n" for api in apis))
    return path


@pytest.fixture(scope="module")
def build(pool: Path) -> Iterator[Build]:
    """Builds with the small maker, which other processes find by name; in this one, blocks are of 20."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        patch.setattr(generate, "BLOCK", 20)
        maker = importlib.import_module("small_maker")

        def made(
            out: Path,
            size: int = 45,
            verify: bool = True,
            source: Path = pool,
            workers: int | Literal["ray"] = 1,
            progress: generate.Progress | None = None,
            rewriter: Rewriter | None = None,
            **scenes: Any,
        ) -> dict[str, Any]:
            return build_dialogues(
                DialogueConfig(size=size, verify=verify),
                maker.SmallConfig(**scenes),
                source,
                out,
                load=maker.load,
                workers=workers,
                progress=progress,
                rewriter=rewriter,
            )

        yield made


def _rejected(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.with_name(out.name + ".rejected.jsonl").read_text().splitlines()]


def test_processes_make_no_difference(tmp_path: Path, build: Build) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    told: list[tuple[int, int]] = []
    card = build(one, progress=lambda done, wanted: told.append((done, wanted)))
    # The other processes have blocks of 200: the size of blocks makes no difference either.
    other = build(two, workers=2)
    assert one.read_bytes() == two.read_bytes()
    assert _rejected(one) == _rejected(two)
    assert card["statistics"] == other["statistics"]
    assert told[0] == (0, 45)
    assert told[-1] == (45, 45)
    left = {path.name.removeprefix("one.jsonl") for path in tmp_path.glob("one*")}
    assert left == {"", ".rejected.jsonl", ".card.json", ".card.md"}


def test_what_is_kept_and_what_is_rejected(tmp_path: Path, build: Build) -> None:
    out = tmp_path / "a.jsonl"
    card = build(out, seed=5)
    kept = list(read_jsonl(out))
    assert len(kept) == card["statistics"]["dialogues"] == 45
    assert all(verify(dialogue).accepted for dialogue in kept)
    assert sum(dialogue.task.inputs["kind"] == "twin" for dialogue in kept) <= 3
    assert {dialogue.provenance.dataset for dialogue in kept} == {f"pool {card['pool']}"}
    # Of each five: two good ones kept, one broken, one twin of at most three, one that led nowhere.
    lines = _rejected(out)
    broken = [line for line in lines if line["faults"][0]["rule"] == "role-order"]
    twins = [line for line in lines if line["faults"][0]["rule"] == "duplicate"]
    assert [line["id"] for line in broken] == [f"small-{number}" for number in range(1, 105, 5)]
    assert len(broken) + len(twins) == len(lines)
    assert card["rejected"] == {
        "dialogues": len(lines),
        "by rule": {"role-order": len(broken), "duplicate": len(twins)},
    }
    assert not verify(Trajectory.model_validate(broken[0]["sample"])).accepted
    assert card["drawn"] == 120
    assert json.loads((tmp_path / "a.jsonl.card.json").read_text()) == card


def test_a_smaller_set_is_the_beginning_of_a_larger_one(tmp_path: Path, build: Build) -> None:
    few, many, other = (tmp_path / name for name in ("few.jsonl", "many.jsonl", "other.jsonl"))
    build(few, size=9)
    build(many)
    build(other, size=9, seed=6)
    assert many.read_bytes().startswith(few.read_bytes())
    assert other.read_bytes() != few.read_bytes()


@pytest.fixture(scope="module")
def cut(build: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder with a whole set, and the files of the same set when it was stopped after some blocks."""
    folder = tmp_path_factory.mktemp("cut")
    build(folder / "whole" / "a.jsonl")

    def stop(done: int, wanted: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(folder / "stopped" / "a.jsonl", progress=stop)
    return folder / "whole", {path.name: path.read_bytes() for path in (folder / "stopped").iterdir()}


@settings(max_examples=8, deadline=None, derandomize=True)
@given(draw=st.randoms(use_true_random=False))
def test_a_cut_at_any_byte_makes_no_difference(
    draw: random.Random,
    cut: tuple[Path, dict[str, bytes]],
    build: Build,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole, files = cut
    assert set(files) == {"a.jsonl.part", "a.jsonl.journal", "a.jsonl.rejected.jsonl", "a.jsonl.card.json"}
    folder = tmp_path_factory.mktemp("again")
    for name, content in files.items():
        short = not name.endswith(".card.json") and draw.random() < 0.5
        (folder / name).write_bytes(content[: draw.randrange(len(content))] if short else content)
    build(folder / "a.jsonl")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }


def test_a_cut_set_goes_on_after_its_last_whole_block(
    cut: tuple[Path, dict[str, bytes]], build: Build, tmp_path: Path
) -> None:
    for name, content in cut[1].items():
        (tmp_path / name).write_bytes(content)
    with (tmp_path / "a.jsonl.part").open("ab") as file:
        file.write(b'{"half of a li')
    told: list[int] = []
    build(tmp_path / "a.jsonl", progress=lambda done, wanted: told.append(done))
    assert told[0] == cut[1]["a.jsonl.part"].count(b"\n") > 20


def test_a_finished_set_is_left_alone_and_others_are_refused(tmp_path: Path, build: Build) -> None:
    out, mine, empty = (tmp_path / name for name in ("a.jsonl", "mine.jsonl", "empty.jsonl"))
    card = build(out, size=5)
    before = out.stat().st_mtime_ns
    assert build(out, size=5) == card
    assert out.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="other settings"):
        build(out, size=5, seed=1)
    mine.write_text("precious")
    with pytest.raises(InputError, match="something else"):
        build(mine)
    assert mine.read_text() == "precious"
    empty.touch()
    with pytest.raises(InputError, match="no API"):
        build(tmp_path / "b.jsonl", source=empty)
    with pytest.raises(InputError, match="cannot be read"):
        build(tmp_path / "b.jsonl", source=tmp_path / "nowhere.jsonl")


def test_parquet_holds_the_same(tmp_path: Path, build: Build) -> None:
    build(tmp_path / "a.jsonl")
    build(tmp_path / "a.parquet")
    assert list(read_parquet(tmp_path / "a.parquet")) == list(read_jsonl(tmp_path / "a.jsonl"))
    left = {path.name for path in tmp_path.glob("a.parquet*")}
    assert left == {"a.parquet" + end for end in ("", ".rejected.jsonl", ".card.json", ".card.md")}


def test_without_verification_what_the_rules_reject_is_kept(tmp_path: Path, build: Build) -> None:
    build(tmp_path / "a.jsonl", verify=False, kinds=("broken",))
    assert not any(verify(dialogue).accepted for dialogue in read_jsonl(tmp_path / "a.jsonl"))


def test_a_maker_that_yields_nothing_more_ends(tmp_path: Path, build: Build) -> None:
    card = build(tmp_path / "a.jsonl", size=1000, kinds=("twin",))
    assert card["statistics"]["dialogues"] == 3
    with pytest.raises(InputError, match=r"rejected\.jsonl says why"):
        build(tmp_path / "b.jsonl", kinds=("nothing",))


def test_a_fault_of_the_maker_names_the_dialogue(tmp_path: Path, build: Build) -> None:
    with pytest.raises(ArithmeticError) as raised:
        build(tmp_path / "a.jsonl", kinds=("good", "fault"))
    assert raised.value.__notes__ == ["while making dialogue 1"]


class _Loud:
    """Capitals for the user; for every third dialogue, nothing at all."""

    name = "capitals"
    config = Config()

    async def rewrite(self, sample: Trajectory, /) -> Trajectory:
        mute = int(sample.id.removeprefix("small-")) % 3 == 0
        changed = [
            message.model_copy(update={"text": "" if mute else message.text.upper()})
            if message.role == "user"
            else message
            for message in sample.messages
        ]
        return sample.model_copy(update={"messages": tuple(changed)})


def test_a_rewriter_says_it_and_is_judged(tmp_path: Path, build: Build) -> None:
    out = tmp_path / "loud.jsonl"
    card = build(out, rewriter=_Loud(), kinds=("good",))
    assert card["model"] == "capitals"
    assert "capitals" in card["licence"]
    for dialogue in read_jsonl(out):
        assert all(message.text.isupper() for message in dialogue.messages if message.role == "user")
    assert card["rejected"]["by rule"]["dialogue-fields"] >= 45 // 2
