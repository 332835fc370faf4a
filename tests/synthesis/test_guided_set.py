"""A guided set: in the band where that can be, whole batches, gone on with after a cut."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tastemaker.errors import InputError
from tastemaker.records import Trajectory, read_jsonl
from tastemaker.synthesis.complexity.guidance import Band
from tastemaker.synthesis.complexity.guided_set import GuidedConfig, build_guided, prior_set
from tastemaker.synthesis.complexity.proxy import proxy
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues.scenes import SceneConfig, Scenes
from tastemaker.synthesis.evolution import Block

CONFIG = GuidedConfig(model="local:any", size=20, batch=8, prior=10, seed=3)
BAND = Band(0.3, 0.5, "by hand")


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    tree = default_tree()
    domains = random.Random(3).sample(list(tree.domains.values()), 8)
    return Scenes(
        [api for domain in domains for api in Block(domain, tree.types, "t").apis(20)], SceneConfig()
    )


def evaluate(samples: Sequence[Trajectory]) -> list[float]:
    return [proxy(sample) for sample in samples]


def build(scenes: Scenes, out: Path, config: GuidedConfig = CONFIG) -> dict[str, object]:
    return build_guided(config, "pool", scenes.with_knobs, evaluate, lambda: BAND, out)


def test_more_lie_in_the_band_than_before(scenes: Scenes, tmp_path: Path) -> None:
    card = build(scenes, tmp_path / "set.jsonl")
    made = list(read_jsonl(tmp_path / "set.jsonl"))
    assert len(made) == CONFIG.size
    assert all(t.task.inputs["loss"] == pytest.approx(proxy(t)) for t in made)
    inside = [BAND.off(proxy(t)) == 0 for t in made]
    assert [t.task.inputs["inside"] for t in made] == inside
    before = [BAND.off(proxy(t)) == 0 for t in prior_set(CONFIG, scenes.with_knobs)]
    assert card["in the band"] == sum(inside) / len(inside) > sum(before) / len(before) + 0.2


def test_a_cut_set_goes_on_to_the_same_file(scenes: Scenes, tmp_path: Path) -> None:
    build(scenes, tmp_path / "whole.jsonl")
    whole = (tmp_path / "whole.jsonl").read_bytes()

    calls = 0

    def interrupted(samples: Sequence[Trajectory]) -> list[float]:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return evaluate(samples)

    out = tmp_path / "cut.jsonl"
    with pytest.raises(KeyboardInterrupt):
        build_guided(CONFIG, "pool", scenes.with_knobs, interrupted, lambda: BAND, out)
    with (tmp_path / "cut.jsonl.part").open("ab") as file:
        file.write(b'{"id": "half a li')
    build(scenes, out)
    assert out.read_bytes() == whole
    assert not list(tmp_path.glob("cut.jsonl.part"))
    assert build(scenes, out)["band"] == {"low": 0.3, "high": 0.5, "why": "by hand"}
    with pytest.raises(InputError, match="begun with other settings"):
        build(scenes, out, CONFIG.model_copy(update={"seed": 4}))
