"""`tastemaker finetune` as a command: what it refuses, in one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tastemaker.app.commands.finetune import finetune
from tastemaker.errors import InputError


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": [Path("none.jsonl")]}, "none.jsonl: there is no such file"),
        ({"model": "openai:gpt-5"}, "is not trained here"),
        ({"model": "local:nonsense"}, "local:FOLDER of a trained model"),
        ({"settings": ["rnak=8"]}, "no setting 'rnak'"),
        ({"settings": ["rank=0"]}, "rank='0'"),
        ({"minutes": 0.0}, "minutes=0.0"),
    ],
)
def test_what_cannot_be_trained_is_told(tmp_path: Path, change: dict[str, object], says: str) -> None:
    data = tmp_path / "data.jsonl"
    data.touch()
    given = {"data": [data], "folder": tmp_path / "run", "model": "local:smollm2", "settings": []} | change
    with pytest.raises(InputError) as error:
        finetune(**given)  # type: ignore[arg-type]
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
