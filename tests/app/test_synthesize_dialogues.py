"""`tastemaker synthesize dialogues`, `verify`, `export` and `card` as they are called from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tastemaker.llm.exports.openai_finetuning import from_openai
from tastemaker.records import read_jsonl, read_parquet, write_jsonl
from tastemaker.synthesis.dialogues.files import readable
from tastemaker.synthesis.pool import PoolConfig, build_pool
from tastemaker.synthesis.verification.rules import RULES
from tastemaker.synthesis.verification.specimens import specimens

Call = Callable[..., tuple[int, str, str]]
GOOD = list(specimens(12, seed=4))
BROKEN = GOOD[0].model_copy(update={"id": "broken", "messages": GOOD[0].messages[:-1]})


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pool") / "apis.jsonl"
    build_pool(PoolConfig(size=60, seed=1), path, workers=1)
    return path


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Twelve good dialogues and a broken one."""
    path = tmp_path / "talk.jsonl"
    write_jsonl(path, [*GOOD, BROKEN])
    return path


def test_a_set_is_made_once(tastemaker: Call, pool: Path, tmp_path: Path) -> None:
    command = ("synthesize", "dialogues", "--pool", str(pool), "--size", "30", "--out", "set.jsonl")
    kinds = ("--kinds", "single=3,no-tool", "--workers", "1", "--json")
    code, out, err = tastemaker(*command, *kinds)
    assert (code, err) == (0, "")
    card = json.loads(out)["card"]
    assert card["statistics"]["dialogues"] == len(list(read_jsonl(tmp_path / "set.jsonl"))) == 30
    assert set(card["statistics"]["kinds"]) == {"single", "no-tool"}
    assert ("contamination" in card) == (find_spec("bfcl_eval") is not None)
    assert json.loads((tmp_path / "set.jsonl.card.json").read_text()) == card
    assert tastemaker(*command, *kinds) == (0, out, "set.jsonl is finished already\n")
    code, out, err = tastemaker(*command, "--seed", "1")
    assert (code, out) == (2, "")
    assert "begun with other settings" in err


def test_without_a_pool_one_is_made(
    tastemaker: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tastemaker.app.commands.synthesize_dialogues._SMALL_POOL", 50)
    code, out, _ = tastemaker("synthesize", "dialogues", "--size", "10", "--out", "d.jsonl", "--workers", "1")
    assert code == 0
    assert "10 dialogues" in out
    assert (tmp_path / "d.apis.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--kinds", "duet=2"), "there is: single"),
        (("--kinds", "single=many"), "kind=weight"),
        (("--kinds", "single=0"), "weights"),
        (("--kinds", "single=nan"), "weights"),
        (("--workers", "0"), "from 1 up"),
        (("--workers", "all"), "or ray"),
        (("--complexity", "extreme"), "complexity"),
        (("--play",), "--model"),
        (("--model", "nothing:like-that"), "nothing"),
        (("--pool", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--pool", "talk.jsonl"), "talk.jsonl"),
    ],
)
def test_wrong_use_of_dialogues_is_one_line(
    tastemaker: Call, pool: Path, talk: Path, words: tuple[str, ...], told: str
) -> None:
    pools = () if "--pool" in words else ("--pool", str(pool))
    code, out, err = tastemaker("synthesize", "dialogues", *pools, "--size", "5", "--out", "d.jsonl", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_verify_prints_a_row_for_each_rule(tastemaker: Call, talk: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    code, out, err = tastemaker("synthesize", "verify", str(talk), "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["dialogues"], found["accepted"]) == (13, 12)
    assert [row["rule"] for row in found["rules"]] == [rule.name for rule in RULES]
    rejecting = {row["rule"]: row["first"] for row in found["rules"] if row["rejected"]}
    assert list(rejecting) == ["role-order"]
    assert rejecting["role-order"].startswith("broken messages")
    assert set(tmp_path.iterdir()) == before
    code, out, _ = tastemaker("synthesize", "verify", str(talk))
    assert "12 of 13 dialogues accepted (92.3%)" in out


@pytest.mark.parametrize("name", ["good.jsonl", "good.parquet"])
def test_verify_keeps_what_is_good_and_why_the_rest_is_not(
    tastemaker: Call, talk: Path, tmp_path: Path, name: str
) -> None:
    command = ("synthesize", "verify", str(talk), "--out", name)
    assert tastemaker(*command)[0] == 0
    assert list(readable(tmp_path / name)) == GOOD
    (line,) = (tmp_path / f"{name}.rejected.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["id"], told["faults"][0]["rule"]) == ("broken", "role-order")
    card = json.loads((tmp_path / f"{name}.card.json").read_text())
    assert card["rejected"] == {"dialogues": 1, "by rule": {"role-order": 1}}
    assert tastemaker(*command)[2] == f"{name} is finished already\n"
    code, _, err = tastemaker(*command, "--experts")
    assert (code, "other settings" in err) == (2, True)


def test_verify_with_experts_and_mending_reads_sharegpt(tastemaker: Call, tmp_path: Path) -> None:
    tool = {
        "name": "Tide Table API",
        "description": "High water.",
        "parameters": {
            "type": "object",
            "properties": {"station": {"type": "string", "description": "Name."}},
            "required": ["station"],
        },
    }
    asked = {"from": "human", "value": "When is high water at Whitby?"}
    calls = {
        "from": "function_call",
        "value": json.dumps([{"name": "API", "arguments": {"station": "Whitby"}}]),
    }
    wrong = {"from": "function_call", "value": '[Tide Table API(station="Aberystwyth")]'}
    given = {
        "from": "observation",
        "value": json.dumps([{"name": "Tide Table API", "results": {"at": "7:40"}}]),
    }
    said = {"from": "gpt", "value": "High water at Whitby is at 7:40."}
    talks = [
        {"system": "", "tools": json.dumps([tool]), "conversations": [asked, call, given, said]}
        for call in (calls, wrong)
    ]
    file = tmp_path / "talks.json"
    file.write_text(json.dumps([*talks, {"conversations": 3}]))

    def accepted(*options: str) -> tuple[int, dict[str, int]]:
        code, out, _ = tastemaker("synthesize", "verify", str(file), "--json", *options)
        assert code == 0
        found = json.loads(out)
        return found["accepted"], {row["rule"]: row["rejected"] for row in found["rules"] if row["rejected"]}

    assert accepted() == (1, {"known-name": 1, "unreadable": 1})
    assert accepted("--mend", "--format", "sharegpt") == (2, {"unreadable": 1})
    assert accepted("--mend", "--experts") == (
        1,
        {"unreadable": 1, "hallucinated-values": 1},
    )


@pytest.mark.parametrize("to", ["sharegpt", "openai", "chat", "parquet", "jsonl"])
def test_export_and_back(tastemaker: Call, tmp_path: Path, talk: Path, to: str) -> None:
    target = tmp_path / "exported"
    code, out, err = tastemaker("synthesize", "export", str(talk), str(target), "--to", to, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["written"] + sum(told["left out"].values()) == 13
    whole = [*GOOD, BROKEN]
    if to == "sharegpt":
        found: Any = [
            [message.text for message in dialogue.messages if message.role == "user"]
            for dialogue in readable(target)
        ]
        assert len(found) == told["written"]
        assert [m.text for m in whole[0].messages if m.role == "user"] in found
        assert len(json.loads(target.read_text())) == told["written"]
    elif to == "openai":
        read = [from_openai(json.loads(line), "x") for line in target.read_text().splitlines()]
        # Names are written as the provider allows them; all else is the same.
        for back, dialogue in zip(read, whole, strict=True):
            for new, old in zip(back.messages, dialogue.messages, strict=True):
                assert (new.role, new.text) == (old.role, old.text)
                assert [call.arguments for call in new.calls] == [call.arguments for call in old.calls]
    elif to == "chat":
        first = json.loads(target.read_text().splitlines()[0])["text"]
        assert all(message.text in first for message in whole[0].messages if message.role == "user")
    else:
        read_back = read_parquet(target) if to == "parquet" else read_jsonl(target)
        assert list(read_back) == whole
    code, _, err = tastemaker("synthesize", "export", str(talk), str(target), "--to", to)
    assert (code, "is there already" in err) == (2, True)


def test_a_card_is_made_for_any_set(tastemaker: Call, talk: Path, tmp_path: Path) -> None:
    code, out, err = tastemaker("synthesize", "card", str(talk), "--json")
    assert (code, err) == (0, "")
    card = json.loads(out)["card"]
    assert card["statistics"]["dialogues"] == 13
    assert json.loads((tmp_path / "talk.jsonl.card.json").read_text()) == card
    code, out, _ = tastemaker("synthesize", "card", str(talk))
    assert "13 dialogues" in out


@pytest.mark.parametrize("command", ["verify", "card", "export"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        (b"just words\n", "no dialogues"),
        (b'{"id": 3}\n', "talk:1"),
        (b'{"id": \xff}\n', "talk"),
        (b"[1, 2", "talk"),
        (b'[{"conversations": 3}]', "conversation"),
    ],
)
def test_a_wrong_file_is_one_line(
    tastemaker: Call, tmp_path: Path, command: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "talk").write_bytes(content)
    more = ("out", "--to", "jsonl") if command == "export" else ()
    code, out, err = tastemaker("synthesize", command, "talk", *more)
    if command == "verify" and told == "conversation":
        assert code == 0
        return
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_damaged_parquet_file_and_an_unknown_form(tastemaker: Call, tmp_path: Path, talk: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and more")
    code, _, err = tastemaker("synthesize", "verify", "a.parquet")
    assert (code, "no Parquet file of dialogues" in err) == (2, True)
    code, _, err = tastemaker("synthesize", "export", str(talk), "b", "--to", "csv")
    assert (code, "there is: sharegpt" in err) == (2, True)
    code, _, err = tastemaker("synthesize", "verify", str(talk), "--format", "csv")
    assert (code, "sharegpt" in err) == (2, True)
