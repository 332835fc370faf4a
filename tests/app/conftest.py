"""Commands called as from a shell, on the small data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tastemaker.app.cli import main
from tastemaker.data import registry, store
from tastemaker.data.dataset import Dataset

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tastemaker(
    toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs `tastemaker` in a folder of its own, with a cache that holds the toy data: exit code, standard
    output, standard error.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    store.save(toy, registry.home("toy"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tastemaker", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        code = stop.value.code
        return code if isinstance(code, int) else 0, captured.out, captured.err

    return run
