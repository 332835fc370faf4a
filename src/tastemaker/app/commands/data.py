"""`tastemaker data`: the data sets that there are, preparing one, describing one."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, out, print_json, print_table
from tastemaker.errors import InputError

app = typer.Typer(help="Data sets: list, prepare (also your own tables), describe.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a data set; `tastemaker data list` shows them.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the data sets that can be used by name.

    Example: tastemaker data list
    """
    from tastemaker.assets import CATALOGUE
    from tastemaker.data import registry, store

    rows: list[dict[str, Any]] = []
    for name in registry.names():
        asset = CATALOGUE.get(name)
        row: dict[str, Any] = {"name": name, "title": asset.title if asset else "your own table"}
        meta: dict[str, Any] = {}
        if registry.is_prepared(name):
            with suppress(InputError):
                meta = store.read_meta(registry.home(name))
        counts = {key: meta.get(key) for key in ("users", "items", "interactions", "clock")}
        rows.append({**row, **counts, "prepared": bool(meta)})
    if as_json:
        print_json(rows)
        return
    shown = [{key: value for key, value in row.items() if key != "prepared"} for row in rows]
    print_table(
        shown, caption="Counts are known of prepared ones. Others are fetched and prepared on first use."
    )


@app.command()
def prepare(
    name: Name,
    source: Annotated[
        Path | None, typer.Option("--from", help="Your own table of interactions: .csv, .tsv or .parquet.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Its columns: user=…,item=… and, where there are, rating=…,time=…"),
    ] = None,
    items: Annotated[Path | None, typer.Option(help="Your table of items.")] = None,
    item_columns: Annotated[
        str | None,
        typer.Option(help="Its columns: id=… and, where there are, title=…,categories=…,year=…,text=…"),
    ] = None,
    k_core: Annotated[
        int | None,
        typer.Option(min=1, help="Keep the users and items of your table with this many interactions each."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Prepare a known data set anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch and prepare a known data set, or make one of your own table.

    Example: tastemaker data prepare ml-100k

    Example: tastemaker data prepare mine --from log.csv --columns user=uid,item=film,rating=stars,time=ts
    """
    from tastemaker.data import registry, store
    from tastemaker.data.readers.table import Columns, ItemColumns

    start = time.perf_counter()
    if source is None:
        given = {"--columns": columns, "--items": items, "--item-columns": item_columns, "--k-core": k_core}
        for option, value in given.items():
            if value is not None:
                raise InputError(f"{option} belongs to a table of your own; give it with --from FILE")
        dataset = registry.prepare(name, force=force)
    else:
        if columns is None:
            raise InputError(
                "--from needs --columns, for example: --columns user=uid,item=film,rating=stars,time=ts"
            )
        if (items is None) != (item_columns is None):
            raise InputError(
                "--items and --item-columns go together, for example: --item-columns id=film,title=name"
            )
        dataset = registry.prepare_table(
            name,
            source,
            Columns(**_pairs(columns, "--columns", Columns)),
            items=items,
            item_columns=None
            if item_columns is None
            else ItemColumns(**_pairs(item_columns, "--item-columns", ItemColumns)),
            k=k_core,
        )
    row = {
        "name": name,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "interactions": len(dataset),
        "clock": dataset.clock,
        "seconds": round(time.perf_counter() - start, 2),
        **{key: value for key, value in store.read_meta(registry.home(name))["notes"].items() if value},
    }
    if as_json:
        print_json(row)
        return
    print_table([row], caption=f"Next: tastemaker data describe {name}")


@app.command()
def describe(
    name: Name,
    plot: Annotated[
        Path | None, typer.Option(help="Draw ratings, activity and popularity into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a data set: counts, density, ratings, activity, popularity, times.

    Example: tastemaker data describe ml-100k --plot ml-100k.png
    """
    from tastemaker.data import describe as description
    from tastemaker.data import registry

    dataset = registry.load(name)
    if plot is not None:
        description.plot(dataset, plot)
    figures = description.describe(dataset)
    if as_json:
        print_json({**figures, "plot": None if plot is None else str(plot)})
        return
    plain = {
        key: value
        for key, value in figures.items()
        if not isinstance(value, dict | list) and value not in (None, "")
    }
    print_table([{"": key.replace("_", " "), "value": _short(value)} for key, value in plain.items()])
    if figures["ratings"]:
        total = figures["interactions"]
        print_table(
            [{"rating": key, "interactions": n, "share": n / total} for key, n in figures["ratings"].items()]
        )
    spread = {"per user": figures["interactions_per_user"], "per item": figures["interactions_per_item"]}
    print_table(
        [
            {"interactions": quantile, **{what: f"{found[quantile]:,.1f}" for what, found in spread.items()}}
            for quantile in figures["interactions_per_user"]
        ]
    )
    if figures["clock"] == "timestamp":
        out.print("time: {} to {}".format(*figures["time"]["days"]), highlight=False)
    if plot is not None:
        err.print(f"plot: {plot}", highlight=False, soft_wrap=True)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _pairs(text: str, option: str, kind: Any) -> dict[str, str]:
    """`"user=uid,item=film"` as a mapping; its keys are the fields of `kind`."""
    known, found = list(kind.model_fields), {}
    for part in text.split(","):
        key, equals, column = (piece.strip() for piece in part.partition("="))
        if not (equals and column) or key not in known:
            raise InputError(f"{option}: {part!r} is not KEY=COLUMN with KEY one of {', '.join(known)}")
        found[key] = column
    for key, field in kind.model_fields.items():
        if field.is_required() and key not in found:
            raise InputError(f"{option} lacks {key}=COLUMN")
    return found
