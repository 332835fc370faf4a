"""What holds for every objective with every encoder that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.retrieval.embedding import EmbeddingRetriever
from tastemaker.retrieval.registry import create, model_type, names

NAMES = [name for name in names() if issubclass(model_type(name), EmbeddingRetriever)]
SETTINGS = {"embedding_size": 8, "batch_size": 100, "learning_rate": 0.02, "patience": 99}


@pytest.mark.parametrize("encoder", ["mf", "lightgcn"])
@pytest.mark.parametrize("name", NAMES)
def test_learns_to_tell_taken_from_not_taken(small: Split, name: str, encoder: str) -> None:
    if (name, encoder) == ("graphau", "lightgcn"):
        with pytest.raises(InputError, match="choose encoder=mf"):
            create(name, encoder=encoder).fit(small.train)
        return
    # Without these, popularity is corrected for or spread away, which is all there is in random data.
    plain = {"clrec": {"debias": 0}, "mawu": {"gamma_item": 0}}.get(name, {})
    rows: list[Any] = []
    model = create(name, encoder=encoder, epochs=25, **SETTINGS, **plain).fit(
        small.train, on_epoch=rows.append
    )
    scores, taken = model.score(np.arange(60)), small.train.matrix().toarray() > 0
    ahead = np.mean([(row[own][:, None] > row[~own]).mean() for row, own in zip(scores, taken, strict=True)])
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert ahead > 0.7


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    small: Split, name: str, tmp_path: Path
) -> None:
    class Stop(Exception):
        """Stands for a killed process."""

    def stop(row: Any) -> None:
        if row["epoch"] == 2:
            raise Stop

    straight = create(name, epochs=4, **SETTINGS).fit(small.train, small.valid)
    with pytest.raises(Stop):
        create(name, epochs=4, **SETTINGS).fit(small.train, small.valid, folder=tmp_path, on_epoch=stop)
    resumed = create(name, epochs=4, **SETTINGS).fit(small.train, small.valid, folder=tmp_path)
    assert np.array_equal(straight.score(np.arange(60)), resumed.score(np.arange(60)))
