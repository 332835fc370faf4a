"""MovieLens as GroupLens publishes it: the `u.*` files of 100K and the `::` files of 1M (Harper & Konstan
2015).

Titles are cleaned (`titles`), the genre "unknown" counts as none, and zip codes are left out.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import has, read_columns, read_lines
from tastemaker.data.readers.titles import split_title
from tastemaker.errors import InputError

SOURCE = Source(
    origin="GroupLens, University of Minnesota",
    licence="GroupLens terms: research use; no redistribution or commercial use without permission",
    citation="Harper & Konstan 2015, The MovieLens Datasets: History and Context, ACM TiiS 5(4)",
)
RATING_RANGE = (1.0, 5.0)

_AGES = {1: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56 or over"}
_OCCUPATIONS = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)


def read_100k(folder: Path) -> Dataset:
    """`u.data`, `u.item`, `u.user` and `u.genre` of MovieLens-100K."""
    kinds = {"user": pl.String, "item": pl.String, "rating": pl.Float32, "time": pl.Int64}
    ratings = read_columns(folder, "u.data", kinds, "\t")
    genres = [line.split("|")[0] for line in read_lines(folder, "u.genre")]
    films = []
    for line in read_lines(folder, "u.item", "latin-1"):
        fields = line.split("|")
        if len(fields) != 5 + len(genres):
            raise InputError(
                f"{folder / 'u.item'}: a line has {len(fields)} fields instead of {5 + len(genres)}: {line}"
            )
        flags = zip(genres, fields[5:], strict=True)
        films.append((fields[0], fields[1], [genre for genre, flag in flags if flag == "1"]))
    people = [line.split("|") for line in read_lines(folder, "u.user")]
    users = user_table([(row[0], int(row[1]), row[2], row[3]) for row in people])
    return film_log("ml-100k", ratings, users, film_table(films))


def read_1m(folder: Path) -> Dataset:
    """`movies.dat`, `users.dat` and `ratings.dat` of MovieLens-1M.

    Where the folder has `ratings_no_timestamp.dat` in place of `ratings.dat` the clock is "none". Ages are
    the bands that the survey asked for.
    """
    kinds = {"user": pl.String, "item": pl.String, "rating": pl.Float32, "time": pl.Int64}
    if has(folder, "ratings.dat"):
        ratings = read_columns(folder, "ratings.dat", kinds, "::")
    else:
        ratings = read_columns(folder, "ratings_no_timestamp.dat", dict(list(kinds.items())[:3]), "::")
    films = []
    for line in read_lines(folder, "movies.dat", "latin-1"):
        id, title, genres = line.split("::")
        films.append((id, title, genres.split("|")))
    people = [line.split("::") for line in read_lines(folder, "users.dat")]
    users = user_table([(row[0], _AGES[int(row[2])], row[1], _OCCUPATIONS[int(row[3])]) for row in people])
    return film_log("ml-1m", ratings, users, film_table(films))


def user_table(rows: list[tuple[str, int | str, str, str]]) -> pl.DataFrame:
    """Users with `id`, `age`, `gender`, `occupation`."""
    return pl.DataFrame(rows, schema=["id", "age", "gender", "occupation"], orient="row")


def film_table(rows: list[tuple[str, str, list[str]]]) -> pl.DataFrame:
    """The catalogue with `id`, `title`, `categories`, `year` from ids, titles as published and genres."""
    titles = [split_title(title) for _, title, _ in rows]
    return pl.DataFrame(
        {
            "id": [id for id, _, _ in rows],
            "title": [title for title, _ in titles],
            "categories": [[genre for genre in genres if genre != "unknown"] for _, _, genres in rows],
            "year": [year for _, year in titles],
        },
        schema={"id": pl.String, "title": pl.String, "categories": pl.List(pl.String), "year": pl.Int32},
    )


def film_log(name: str, ratings: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame) -> Dataset:
    """A MovieLens data set from `ratings` with the columns `user`, `item`, `rating` and perhaps `time`."""
    return assemble(
        name,
        ratings,
        users=users,
        items=items,
        clock="timestamp" if "time" in ratings.columns else "none",
        source=SOURCE,
        rating_range=RATING_RANGE,
    )
