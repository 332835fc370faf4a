"""Every rule finds what is planted for it, and says nothing against good samples."""

from __future__ import annotations

import random

import pytest

from tastemaker.synthesis.verification.mutations import MUTATIONS, Mutation, measure
from tastemaker.synthesis.verification.rules import RULES, verify
from tastemaker.synthesis.verification.specimens import KINDS, specimens


def test_specimens_are_varied_good_and_the_same_under_a_seed() -> None:
    samples = list(specimens(500, seed=5))
    assert samples == list(specimens(500, seed=5))
    assert {sample.task.inputs["kind"] for sample in samples} == set(KINDS)
    assert len({str(sample.messages) for sample in samples}) > 450
    assert [sample.id for sample in samples if not verify(sample).accepted] == []


def test_each_rule_finds_its_mutations() -> None:
    rows = measure(list(specimens(120, seed=9)), seed=1)
    assert [row["rule"] for row in rows] == [*(rule.name for rule in RULES), "all"]
    for row in rows:
        assert row["planted"] >= 90, row
        assert row["found share"] >= 0.97, row
        assert row["false share"] == 0.0, row
    assert rows[-1]["found"] == sum(row["found"] for row in rows[:-1])
    assert rows[-1]["found share"] >= 0.99


@pytest.mark.parametrize("mutation", [m for ms in MUTATIONS.values() for m in ms], ids=lambda m: m.__name__)
def test_a_mutation_changes_the_sample_or_has_no_place(mutation: Mutation) -> None:
    samples = list(specimens(60, seed=2))
    mutated = [mutation(sample, random.Random(4)) for sample in samples]
    assert mutated == [mutation(sample, random.Random(4)) for sample in samples]
    assert any(bad is not None for bad in mutated)
    assert all(bad != sample for bad, sample in zip(mutated, samples, strict=True))
