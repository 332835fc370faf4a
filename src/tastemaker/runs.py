"""Run folders and results files: what a long computation leaves behind, so that it can be gone on with and
trusted.

A run folder holds `config.toml` (complete, reloadable), `metrics.jsonl`, `checkpoints/`,
`trajectories.jsonl`, `report.md`, `plots/` and, once finished, `done.json`. A killed run is gone on with;
a finished one is never written to again. This module knows nothing of what is run.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tastemaker.errors import InputError
from tastemaker.lines import cut_half_line

Config = TypeVar("Config", bound=BaseModel)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PACKAGES = (
    "tastemaker",
    "numpy",
    "scipy",
    "polars",
    "torch",
    "transformers",
    "openvino-genai",
    "pydantic-ai-slim",
)


class Run:
    """One run in its folder. Open it with `Run.open`."""

    def __init__(self, folder: Path, config: BaseModel) -> None:
        self.folder = folder
        self.config = config

    @classmethod
    def open(cls, folder: Path, config: BaseModel, resume: bool = True) -> Run:
        """Begin a run, or go on with the one that the folder holds.

        Raises InputError when the folder holds something else, a run with another config (the first field
        that differs is named), or any run where `resume` is False. A finished run opens, but takes no
        more.
        """
        run = cls(folder, config)
        if run._config_file.exists():
            if not resume:
                raise InputError(f"{folder} holds a run already; choose another folder, or resume it")
            _compare(load_config(run._config_file, type(config)), config, folder)
            cut_half_line(run.metrics_file)
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} exists and is no run folder; choose another")
        else:
            text = config_text(config)
            for sub in (run.checkpoints, run.plots):
                sub.mkdir(parents=True, exist_ok=True)
            write_whole(run._config_file, text)
        return run

    @property
    def _config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def _done_file(self) -> Path:
        return self.folder / "done.json"

    @property
    def metrics_file(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def trajectories(self) -> Path:
        return self.folder / "trajectories.jsonl"

    @property
    def report(self) -> Path:
        return self.folder / "report.md"

    @property
    def plots(self) -> Path:
        return self.folder / "plots"

    @property
    def finished(self) -> bool:
        """Whether `finish` was called, in this process or an earlier one."""
        return self._done_file.exists()

    def summary(self) -> dict[str, Any]:
        """What `finish` was given. Raises InputError when the run has not ended, or is damaged."""
        try:
            found: dict[str, Any] = json.loads(self._done_file.read_text(encoding="utf-8"))["summary"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self._done_file}: no readable end of a run ({error})") from None
        return found

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Append one line to `metrics.jsonl`. Values are JSON; NaN and infinities are written as null."""
        self._check_open()
        with self.metrics_file.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_line(metrics))

    def metrics(self) -> list[dict[str, Any]]:
        """All lines that were logged, in earlier processes too."""
        if not self.metrics_file.exists():
            return []
        with self.metrics_file.open(encoding="utf-8", newline="\n") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def take_back(self, gone: Callable[[dict[str, Any]], bool]) -> None:
        """Take lines out of `metrics.jsonl` that are `gone`: those that were logged after the checkpoint that
        a run goes on from.
        """
        write_whole(self.metrics_file, "".join(_line(one) for one in self.metrics() if not gone(one)))

    def finish(self, summary: Mapping[str, Any] | None = None) -> None:
        """Mark the run as finished. It takes no more lines, and no later run overwrites it."""
        self._check_open()
        done = {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "summary": _finite(summary or {}),
        }
        write_whole(self._done_file, json.dumps(done, indent=2, ensure_ascii=False) + "\n")

    def _check_open(self) -> None:
        if self.finished:
            raise InputError(
                f"{self.folder} holds a finished run; it is not written to again: choose another folder"
            )


def load_config(path: Path, kind: type[Config]) -> Config:
    """Read a config file. Raises InputError with the file and the field when it is not one of this kind."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: no readable config ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"{path}: not a {kind.__name__}: {field}: {first['msg']}") from None


def config_text(config: BaseModel) -> str:
    """A config as TOML, complete with defaults; a field that is None is left out, as TOML has no such value.

    Raises InputError when reading the text back would not give the same config.
    """
    text = toml(config.model_dump(mode="json", exclude_none=True))
    try:
        same = type(config).model_validate(tomllib.loads(text)) == config
    except ValidationError:
        same = False
    if not same:
        raise InputError(f"this {type(config).__name__} cannot be written as TOML and read back: {config!r}")
    return text


def toml(table: Mapping[str, Any]) -> str:
    """Write nested mappings, lists and scalars as TOML 1.0. Raises TypeError for anything else, None
    included.
    """
    lines: list[str] = []
    _table(table, (), lines)
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    if path:
        lines.extend(["", f"[{'.'.join(map(_key, path))}]"])
    for key, value in table.items():
        if not isinstance(value, Mapping):
            lines.append(f"{_key(key)} = {_value(value)}")
    for key, value in table.items():
        if isinstance(value, Mapping):
            _table(value, (*path, key), lines)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    raise TypeError(f"TOML cannot hold a {type(value).__name__}")


def _compare(old: BaseModel, new: BaseModel, folder: Path) -> None:
    was, now = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for field in dict.fromkeys([*was, *now]):
        if was.get(field) != now.get(field):
            raise InputError(
                f"{folder} holds a run with another config: {field} is {was.get(field)!r} there and "
                f"{now.get(field)!r} here; choose another folder, or the same config"
            )


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {
            name: leaf for key, inner in value.items() for name, leaf in _flat(inner, f"{path}.{key}").items()
        }
    return {path.removeprefix("."): value}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_whole(path: Path, text: str) -> None:
    """Write a text file at once: under a temporary name in the same folder, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def provenance() -> dict[str, Any]:
    """What a figure depends on besides its command: versions of the packages that are installed, and the
    machine.
    """
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    machine = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": cores(),
        "cpu": _cpu(),
    }
    return {"versions": versions, "machine": machine}


def write_results(
    path: Path,
    *,
    command: str,
    seeds: Sequence[int],
    seconds: float,
    protocol: str,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Write a results file, `results/<topic>-<what>.json`, that documented figures come from.

    `seconds` is the wall-clock time of the command; `rows` are tables' rows, with intervals as
    `{"mean", "low", "high"}`.
    """
    result = {
        "command": command,
        "seeds": list(seeds),
        **provenance(),
        "seconds": round(seconds, 2),
        "protocol": protocol,
        "rows": _finite(list(rows)),
    }
    write_whole(path, json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _line(metrics: Mapping[str, Any]) -> str:
    return json.dumps(_finite(metrics), ensure_ascii=False, allow_nan=False) + "\n"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
