"""Writes `log.csv`, the ratings that 40 invented readers gave to the books of `books.csv`.

Each reader likes one or two kinds of book, takes and rates those higher, and sometimes takes another. The
same seed gives the same file: `python docs/examples/make_log.py [FILE]`.
"""

from __future__ import annotations

import csv
import math
import sys
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

SEED = 7
BOOKS_READ = range(9, 17)
TASTES = ("Mystery", "Science fiction", "Romance", "Adventure", "Gothic")
READERS = """
ada ben carla dan eva finn gita hugo ida jan kira leo mara nils olga paul quinn rosa sven tara
ulf vera will xenia yann zoe amir bea chen dora emil fay gus hana ivo june karl lena milo nora
"""


def ratings(books: list[dict[str, str]], random: Random) -> list[tuple[str, str, int, str]]:
    """Rows of (reader, book, stars from 1 to 5, moment), in the order of time."""
    rows = []
    for number, reader in enumerate(READERS.split()):
        likes = {TASTES[number % len(TASTES)], *random.sample(TASTES, number % 2)}
        drawn = []
        for place, book in enumerate(books):
            fits = not likes.isdisjoint(book["genres"].split("|"))
            famous = 1.3 if place % 3 == 0 else 1.0
            weight = (2.5 if fits else 0.1) * famous
            drawn.append((math.log(random.random()) / weight, book["book"], fits))
        for _, id, fitting in sorted(drawn, reverse=True)[: random.choice(BOOKS_READ)]:
            stars = min(5, max(1, round(random.gauss(4.1 if fitting else 3.0, 0.8))))
            moment = datetime(2024, 1, 1) + timedelta(minutes=random.randrange(366 * 24 * 60))
            rows.append((reader, id, stars, moment.isoformat(timespec="minutes")))
    return sorted(rows, key=lambda row: row[3])


def main() -> None:
    here = Path(__file__).parent
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "log.csv"
    with (here / "books.csv").open(encoding="utf-8", newline="") as file:
        books = list(csv.DictReader(file))
    with target.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("reader", "book", "stars", "when"))
        table.writerows(ratings(books, Random(SEED)))


if __name__ == "__main__":
    main()
