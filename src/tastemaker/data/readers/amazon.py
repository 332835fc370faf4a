"""Amazon Beauty 5-core (2014) as S3-Rec's sequences, with titles and attribute names joined from two other
projects.

Files: `Beauty.txt` (a line a user: `user item item …` in time order), `datamaps.json` (numbers to Amazon's
ids), `item_id_to_int.json` and `products_lookup.csv` (titles), `Beauty_item2attributes.json` and
`attribute_names.json` (categories and brands). There are no ratings and no timestamps.
"""

from __future__ import annotations

import html
import io
import json
from pathlib import Path
from typing import Any

import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import read_bytes
from tastemaker.data.readers.lightgcn import read_pairs
from tastemaker.errors import InputError

SOURCE = Source(
    origin="Amazon product data, 2014; sequences of S3-Rec",
    licence="none stated; research use, cite",
    citation="McAuley et al. 2015, Image-based Recommendations; Zhou et al. 2020, S3-Rec",
)


def read_beauty(folder: Path) -> Dataset:
    """Users and items under Amazon's ids; the moment of an interaction is its place in the user's sequence,
    from 0.
    """
    pairs = read_pairs(folder, "Beauty.txt")
    maps = _json(folder, "datamaps.json")
    attributes = _json(folder, "Beauty_item2attributes.json")
    names = _json(folder, "attribute_names.json")
    products = _json(folder, "item_id_to_int.json")
    lookup = pl.read_csv(
        io.BytesIO(read_bytes(folder, "products_lookup.csv")), columns=["global_product_id", "name"]
    )
    titles = dict(lookup.iter_rows())
    try:
        users = pl.DataFrame({"number": maps["user2id"].values(), "id": maps["user2id"].keys()})
        rows = [
            (
                number,
                asin,
                _title(titles.get(products[asin])),
                [names[str(a)] for a in attributes.get(number, [])],
            )
            for asin, number in maps["item2id"].items()
        ]
    except (KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{folder}: its files do not fit together: {error!r} is missing") from None
    items = pl.DataFrame(rows, schema=["number", "id", "title", "categories"], orient="row")
    log = pl.DataFrame({"user": pairs[:, 0], "item": pairs[:, 1]}).with_columns(
        time=pl.int_range(pl.len(), dtype=pl.Int64).over("user"),
        user=pl.col("user").cast(pl.String).replace_strict(users["number"], users["id"]),
        item=pl.col("item").cast(pl.String).replace_strict(items["number"], items["id"]),
    )
    return assemble(
        "amazon-beauty",
        log,
        users=users.select("id"),
        items=items.drop("number"),
        clock="order",
        source=SOURCE,
    )


def _title(name: str | None) -> str | None:
    return html.unescape(name).strip() if name else None


def _json(folder: Path, name: str) -> Any:
    try:
        return json.loads(read_bytes(folder, name))
    except ValueError as error:
        raise InputError(f"{folder / name}: not JSON ({error})") from None
