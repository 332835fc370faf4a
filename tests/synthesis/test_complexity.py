"""Bands, knobs and the self-guided way, worked by hand and with an evaluator whose optimum is known."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tastemaker.errors import InputError, TastemakerError
from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.complexity.charts import (
    Measured,
    means,
    plot_features,
    plot_losses,
    plot_pool,
    type_of,
)
from tastemaker.synthesis.complexity.guidance import Band, Knobs, estimate_band, guide
from tastemaker.synthesis.complexity.loss import with_losses
from tastemaker.synthesis.complexity.proxy import Features, bands, features, proxy

TIDES = ToolSpec(name="tideTable", description="High water at stations.")
FERRY = ToolSpec(name="ferry_fares", description="Fares of a ferry.")


def sample(
    user: str, *calls: tuple[ToolSpec, dict[str, Any]], tools: Sequence[ToolSpec] = (TIDES, FERRY)
) -> Trajectory:
    made = tuple(ToolCall(id=f"call{n}", name=t.name, arguments=a) for n, (t, a) in enumerate(calls))
    return Trajectory(
        id="s",
        task=Task(kind="dialogue", id="s"),
        tools=tuple(tools),
        messages=(Message(role="user", text=user), Message(role="assistant", calls=made)),
        outcome=Outcome(kind="answered"),
    )


def test_features_are_counted() -> None:
    arguments = {"days": [1, 2], "place": {"name": "Whitby", "exact": True}}
    found = features(sample("When is high water?", (TIDES, arguments), (TIDES, {})))
    # tide, table, high, water, station: two of five are said
    assert found[:2] + found[3:] == (2, 2, 4)
    assert found.distance == pytest.approx(1 - 2 / 5)
    both = features(sample("A ferry at high water", (TIDES, {}), (FERRY, {})))
    assert both.distance == pytest.approx(1 - (2 / 5 + 1 / 2) / 2)


def test_without_calls_a_near_tool_is_harder() -> None:
    near, far = sample("What does the ferry fare to Mull?"), sample("Write me a poem")
    assert features(near).distance == 1.0
    assert features(far).distance == 0.0
    assert features(sample("Hello", tools=())) == Features(0, 0, 0.0, 0)
    assert proxy(near) > proxy(far)


def test_the_proxy_grows_with_each_feature() -> None:
    easy = proxy(sample("tide table: high water at stations", (TIDES, {}), tools=[TIDES]))
    assert easy == pytest.approx((1 / 8 + 1 / 4) / 4)
    others = (
        sample("tide table: high water at stations", (TIDES, {})),
        sample("tide table: high water at stations", (TIDES, {}), (TIDES, {}), tools=[TIDES]),
        sample("When can I sail?", (TIDES, {}), tools=[TIDES]),
        sample("tide table: high water at stations", (TIDES, {"days": 1}), tools=[TIDES]),
    )
    assert all(easy < proxy(other) <= 1 for other in others)


def test_bands_are_thirds() -> None:
    assert bands([5, 1, 4, 2, 3, 6]) == ["high", "low", "medium", "low", "medium", "high"]
    assert bands([1, 1, 1]) == ["low", "medium", "high"]
    assert bands([]) == []
    assert bands([9, 1, 2, 8, 3, 7], list("abbaba")) == ["high", "low", "medium", "medium", "high", "low"]


def test_the_band_of_a_prior_set() -> None:
    losses = [0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0]
    right = [True, True, True, False, False, False, False]
    tuned = [0.1, 0.1, 0.1, 0.2, 0.3, 1.5, 2.5]
    band = estimate_band(losses, right, tuned)
    assert (band.low, band.high) == (0.2, 2.5)  # medians of .1 .2 .3, and of 2 and 3, whose 1.5 and 2.5 > .6
    assert band.why == (
        "low: the median of 3 that are right already; high: the median of 2 that stay hard when tuned; "
        "of 7 losses"
    )
    assert [band.off(loss) for loss in (0.1, 0.2, 1.0, 3.0)] == pytest.approx([-0.1, 0, 0, 0.5])


def test_without_flags_the_band_is_of_quantiles_and_says_so() -> None:
    losses = [float(n) for n in range(11)]
    for band in (estimate_band(losses), estimate_band(losses, [False] * 11, [0.0] * 11)):
        assert (band.low, band.high) == (2.0, 9.0)
        assert band.why == "low: the 0.2 quantile; high: the 0.9 quantile; of 11 losses"
    beyond = estimate_band(losses, [n == 10 for n in range(11)])
    assert (beyond.low, beyond.high) == (2.0, 9.0)
    alone = estimate_band([0.4])
    assert (alone.low, alone.high) == (0.4, 0.4)
    with pytest.raises(InputError, match="a prior set needs"):
        estimate_band([])
    with pytest.raises(InputError, match="a prior set needs"):
        estimate_band([1.0], [True, False])
    with pytest.raises(InputError, match="holds no loss"):
        Band(2, 1)


def test_one_knob_is_turned() -> None:
    assert Knobs(2, 1, 0.25).harder() == [
        Knobs(3, 1, 0.25),
        Knobs(2, 2, 0.25),
        Knobs(2, 1, 0.5),
        Knobs(2, 1, 0.25, True),
    ]
    assert Knobs(2, 1, 0.1).easier() == [Knobs(1, 1, 0.1), Knobs(2, 1, 0.0)]
    assert Knobs(8, 4, 1.0, True).harder() == []
    assert Knobs(1, 1, 0.0, False).easier() == []
    with pytest.raises(InputError, match="out of their ranges"):
        Knobs(candidates=9)


def made(knobs: Knobs, rng: random.Random) -> Trajectory:
    """A scene with a difficulty of its own, which its id tells, and its knobs."""
    told = {"own": rng.random(), "knobs": [knobs.candidates, knobs.used, knobs.distance, knobs.nested]}
    return sample("x").model_copy(
        update={"id": str(told["own"]), "task": Task(kind="d", id="d", inputs=told)}
    )


def measured(batches: list[int]) -> Callable[[Sequence[Trajectory]], list[float]]:
    """Loss = own / 10 + candidates + used + 4 distance + nested, each turn of a knob being worth 1."""

    def evaluate(samples: Sequence[Trajectory]) -> list[float]:
        batches.append(len(samples))
        losses = []
        for one in samples:
            candidates, used, distance, nested = one.task.inputs["knobs"]
            losses.append(one.task.inputs["own"] / 10 + candidates + used + 4 * distance + nested)
        return losses

    return evaluate


def test_scenes_are_turned_into_the_band() -> None:
    starts = [Knobs(1, 1, 0.0), Knobs(2, 2, 0.25), Knobs(8, 4, 1.0, True)]  # 2, 5 and 17, each up to .1 more
    batches: list[int] = []
    found = guide(made, measured(batches), Band(5, 6), starts, random.Random(1), rounds=4)
    assert [one.rounds for one in found] == [3, 0, 4]
    assert [one.inside for one in found] == [True, True, False]
    assert [int(one.loss) for one in found] == [5, 5, 13]
    assert batches == [3, 2, 2, 2, 1]
    assert found[1].knobs == starts[1]
    again = guide(made, measured([]), Band(5, 6), starts, random.Random(1), rounds=4)
    assert again == found


def test_a_scene_stays_itself_when_it_is_made_again() -> None:
    seen: dict[int, set[str]] = {}

    def noted(knobs: Knobs, rng: random.Random) -> Trajectory:
        one = made(knobs, rng)
        seen.setdefault(knobs.candidates, set()).add(one.id)
        return one

    guide(noted, measured([]), Band(100, 100), [Knobs(1), Knobs(1)], random.Random(2), rounds=5)
    assert len(set().union(*seen.values())) == 2


def test_the_nearest_is_kept_and_nothing_is_tried_twice() -> None:
    # Only distance counts, so that turns of other knobs change nothing and no turn reaches the band.
    tried: list[Knobs] = []

    def noted(knobs: Knobs, rng: random.Random) -> Trajectory:
        tried.append(knobs)
        return made(knobs, rng)

    def evaluate(samples: Sequence[Trajectory]) -> list[float]:
        return [one.task.inputs["knobs"][2] for one in samples]

    band = Band(0.3, 0.4)  # between .25 and .5
    found = guide(noted, evaluate, band, [Knobs(8, 4, 0.0, True)], random.Random(3), rounds=50)
    assert found[0].knobs.distance == 0.25
    assert not found[0].inside
    assert len(set(tried)) == len(tried)


def test_losses_go_in_batches_and_are_checked() -> None:
    samples = [made(Knobs(n), random.Random(n)) for n in range(1, 6)]
    batches: list[int] = []
    found = list(with_losses(iter(samples), measured(batches), batch=2))
    assert batches == [2, 2, 1]
    assert [one for one, _ in found] == samples
    assert [int(loss) for _, loss in found] == [3, 4, 5, 6, 7]
    with pytest.raises(TastemakerError, match="1 losses came back"):
        list(with_losses(samples, lambda some: [0.5]))
    with pytest.raises(TastemakerError, match="is nan"):
        list(with_losses(samples[:1], lambda some: [float("nan")]))


def test_losses_are_drawn(tmp_path: Path) -> None:
    rows = [
        Measured(kind, n / 10, Features(n, 1, n / 9, n))
        for n in range(1, 9)
        for kind in ("single", "dependent")
    ]
    plot_losses(rows, tmp_path / "new" / "losses.svg", Band(0.2, 0.5))
    plot_features(rows, tmp_path / "features.svg")
    text = (tmp_path / "new" / "losses.svg").read_text()
    assert "<!-- single (n = 8, mean 0.450) -->" in text
    assert "<!-- dependent (n = 8, mean 0.450) -->" in text
    text = (tmp_path / "features.svg").read_text()
    assert all(f"<!-- {word} -->" in text for word in ("tools offered", "calls made", "values in calls"))
    for draw in (plot_losses, plot_features):
        with pytest.raises(InputError, match="no samples"):
            draw([], tmp_path / "none.svg")


def test_means_of_tenths() -> None:
    across, up = means([0.0, 0.05, 0.5, 1.0], [1, 2, 3, 4], continuous=True)
    assert across == pytest.approx([0.05, 0.55, 0.95])
    assert up == [1.5, 3, 4]


def test_a_pool_is_drawn(tmp_path: Path) -> None:
    properties = {
        "id": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "number"}},
        "way": {"enum": [1]},
    }
    spec = ToolSpec(name="a", description="b", parameters={"type": "object", "properties": properties})
    apis = [Api(id=str(n), spec=spec, area="Trade", domain=f"d{n}", path=("a", "b")) for n in range(3)]
    plot_pool(iter(apis), tmp_path / "pool.svg")
    text = (tmp_path / "pool.svg").read_text()
    told = (
        "9 parameters by type",
        "3 domains by area",
        "3 APIs",
        "array of number",
        "choice",
        "string",
        "Trade",
    )
    assert all(f"<!-- {word} -->" in text for word in told)
    with pytest.raises(InputError, match="no APIs"):
        plot_pool([], tmp_path / "none.svg")
    assert type_of({"type": ["string", "null"]}) == "null/string"
    assert type_of(True) == "any"
