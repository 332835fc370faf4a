"""BFCL's own AST checker, used unchanged, without the packages that it is shipped with.

The checker imports a table of every model that BFCL ever ran, and with it gigabytes of client libraries, only
to ask whether a model's function names have dots. While it is imported, a stand-in with one model, whose
names have them, takes that table's place. The checker compares values that are parsed already: it evaluates
no code, and needs no parser of Java or JavaScript, whose arguments come as texts of source code.

Stricter than BFCL in one thing: there, what cannot be read as a call is no call, and so is right where none
is due. Here a malformed output is always wrong (see `bfcl`).
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from tastemaker.benchmarks.bfcl_data import Row
from tastemaker.records import ToolCall

_PACKAGE = "bfcl_eval"
_TABLE = "bfcl_eval.constants.model_config"
_MODEL = "tastemaker"


@dataclass(frozen=True)
class Verdict:
    """Whether an answer counts, and BFCL's reason where it does not."""

    right: bool
    kind: str = ""
    """BFCL's name of the error, such as `simple_function_checker:missing_required`."""
    reason: str = ""


def check(row: Row, calls: Sequence[ToolCall]) -> Verdict:
    """Judge the calls of one answer; their names are the functions' own."""
    if not row.calls_due:
        if calls:
            return Verdict(False, "irrelevance:call", "a call was made where none of the functions fits")
        return Verdict(True)
    if "relevance" in row.category:
        return Verdict(True) if calls else Verdict(False, "relevance:no_call", "no call was made")
    run, languages = _checker()
    made = [{call.name: call.arguments} for call in calls]
    language = languages(row.language)
    try:
        with redirect_stdout(io.StringIO()):
            found = run(list(row.functions), made, list(row.answers), language, row.category, _MODEL)
    except (
        Exception
    ) as fault:  # values of a shape that the checker does not foresee end in faults of many types
        return Verdict(
            False, "checker_fault", f"BFCL's checker cannot take it: {type(fault).__name__}: {fault}"
        )
    if found["valid"]:
        return Verdict(True)
    return Verdict(False, str(found["error_type"]), "; ".join(map(str, found["error"])))


@contextmanager
def stand_in() -> Iterator[None]:
    """While open, BFCL's modules are imported afresh and find a table of one model; afterwards `sys.modules`
    is as it was."""
    before = {name: module for name, module in sys.modules.items() if _ours(name)}
    table = ModuleType(_TABLE)
    table.MODEL_CONFIG_MAPPING = {_MODEL: SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
    try:
        _forget()
        sys.modules[_TABLE] = table
        yield
    finally:
        _forget()
        sys.modules.update(before)


@cache
def _checker() -> tuple[Callable[..., dict[str, Any]], Callable[[str], Any]]:
    """BFCL's `ast_checker` and its type of languages."""
    with stand_in():
        module = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
    return module.ast_checker, module.Language


def _forget() -> None:
    for name in [name for name in sys.modules if _ours(name)]:
        del sys.modules[name]


def _ours(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")
