"""`tastemaker bench verification`: the rule layer's speed, what it finds, and what it accepts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import JsonOption, keep_results, print_json, print_table

_OF_GOOD = ("good", "false share")
"""Nothing to tell of conversations that were chosen for being accepted."""


def verification(
    conversations: Annotated[
        Path | None,
        typer.Option(
            "--conversations",
            help="A JSON list of real conversations in ShareGPT's form; default: the excerpt of ToolACE in "
            "the folder TASTEMAKER_DATA, where it is there.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the good dialogues and the planted defects.")] = 0,
    results: Annotated[Path | None, typer.Option("--results", help="Write a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Dialogues verified per cpu-second beside plain jsonschema, planted defects found by each rule, and the
    share of real conversations that the rules accept.

    Example: tastemaker bench verification
    """
    from tastemaker.assets import data_folder
    from tastemaker.synthesis.verification import bench

    started = time.monotonic()
    if conversations is None and (folder := data_folder()) is not None:
        excerpt = folder / "toolace-excerpt" / "sharegpt_func_fixed.json"
        conversations = excerpt if excerpt.is_file() else None
    specimens = bench.good(seed=seed)
    speeds = [bench.speed("rule layer, specimens (dialogues)", specimens)]
    found = list(bench.found("specimens", specimens, seed))
    real: list[dict[str, Any]] = []
    if conversations is not None:
        real, kept = bench.acceptance(conversations)
        speeds += [bench.speed("rule layer, conversations (dialogues)", kept)] if kept else []
        planted = bench.found("conversations", kept, seed)
        found += [{name: row[name] for name in row if name not in _OF_GOOD} for row in planted]
    protocol = (
        f"{len(specimens)} specimens: good dialogues drawn from hand-written tools; every defect is planted "
        "into each dialogue that has a place for it, of the conversations into the accepted ones; found: by "
        "the rule that the defect belongs to; reference: jsonschema for every definition and call, uncached; "
        "mended: names and types that a conversion lost put back"
    )
    rows = [*speeds, *found, *real]
    keep_results(results, rows, protocol=protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"rows": rows, "protocol": protocol})
        return
    for title, part in (("Speed", speeds), ("Planted defects", found), ("Real conversations", real)):
        if part:
            print_table(part, title=title, caption=protocol if part is speeds else "")
