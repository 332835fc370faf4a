"""A result in one clause: which members of it are worth telling, and the pattern that tells them.

A clause begins in lower case and has no full stop, so that others can stand around it. Every number and name
is taken from the result as it stands there. The patterns are in `answers.toml`.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.given import kind_of, plain
from tastemaker.synthesis.sheet import NAMING
from tastemaker.synthesis.wording import article, listing, plural

_BAD: Final = frozenset(
    {
        *("rejected", "failed", "not found", "too late", "out of stock", "declined", "offline", "conflict"),
        *("not running", "delayed", "unchanged"),
    }
)
_HIDDEN = frozenset({"id", "success", "status", "next_page", "total"})
_ADJECTIVES = frozenset(
    {
        *("active", "available", "open", "private", "public", "paid", "anonymous", "urgent", "insured"),
        *("closed", "valid", "refundable", "verified", "wheelchair_accessible", "acidic", "singular"),
    }
)
_LONGEST = 60
"""Characters of a text that is told among others."""


@lru_cache(1)
def phrases() -> dict[str, Any]:
    """The patterns of `answers.toml`."""
    file = resources.files(__package__).joinpath("answers.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


class Fact(NamedTuple):
    """One member of a result in words."""

    key: str
    label: str
    value: str


_LABELS = {
    "created_at": "creation time",
    "updated_at": "last update",
    "started_at": "start time",
    "starts_at": "start time",
    "sent_at": "sending time",
    "paid_at": "payment time",
    "shared_with": "people to share with",
}
_LETTERS = {"id": "ID", "ids": "IDs", "co2": "CO2", "url": "URL", "ip": "IP", "kwh": "kWh"}


@lru_cache(65536)
def label_of(key: str) -> str:
    """A member's name in words: `createdAt` is `creation time`, `hotel_id` is `hotel ID`."""
    name = plain(key)
    return _LABELS.get(name) or " ".join(_LETTERS.get(word, word) for word in name.split("_"))


@lru_cache(65536)
def is_many(label: str) -> bool:
    """Whether a label is in the plural.

    >>> is_many("open accounts"), is_many("address"), is_many("people")
    (True, False, True)
    """
    last = label.rpartition(" ")[2]
    many = last.endswith("s") and not last.endswith(("ss", "us", "is", "as", "ies")) and last not in _ONE
    return many or last in ("people", "children", "cities", "countries")


_ONE = frozenset({"news", "lens", "physics", "mathematics", "gps", "settings"})


def shown(value: Any, unit: str = "") -> str:
    """A value in words, numbers and names as they stand; `unit` is said after numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        text = json.dumps(value)
        return text if not unit else f"{text}{unit}" if unit == "%" else f"{text} {unit}"
    if isinstance(value, str):
        if len(value) == 20 and value[10] == "T" and value[-1] == "Z":
            return value[:10] if value[11:16] == "00:00" else f"{value[:10]} {value[11:16]}"
        return f'"{value}"' if value.count(" ") > 4 or value[-1:] in ".!?" else value
    if isinstance(value, list):
        return listing([shown(entry) for entry in value]) if value else "none"
    if isinstance(value, dict):
        return listing([f"{label_of(key)} {shown(entry)}" for key, entry in value.items()])
    return "unknown"


def _unit(api: Api, path: str) -> str:
    kind = kind_of(api.returns.get(path, ""))
    return kind.unit if kind is not None else ""


def clause(api: Api, arguments: dict[str, Any], result: Any, rng: random.Random, most: int = 3) -> str:
    """The result in a clause that tells at most `most` of its members (of each entry, where it is a list)."""
    return _Telling(api, arguments, rng, most).of(result, "")


class _Telling:
    def __init__(self, api: Api, arguments: dict[str, Any], rng: random.Random, most: int) -> None:
        self.api, self.rng, self.most = api, rng, most
        self.thing = api.path[0]
        self.known = {shown(value) for value in arguments.values()}
        self.things = plural(self.thing)

    def say(self, kind: str, **slots: str) -> str:
        pattern: str = self.rng.choice(phrases()["clauses"][kind])
        return pattern.format(thing=self.thing, things=self.things, **slots)

    def of(self, result: Any, path: str) -> str:
        if isinstance(result, dict):
            inner = result.get("data")
            if "success" in result and inner is not None:
                return self.of(inner, "data")
            return self._record(result, path)
        if isinstance(result, list):
            return self._list(result, path, len(result), "")
        if isinstance(result, bool):
            return self.say("yes" if result else "no")
        label = self._measured() if isinstance(result, int | float) else "result"
        unit = _unit(self.api, path)
        return self._one(Fact("", label, shown(result, "" if unit in label.split() else unit)))

    def _measured(self) -> str:
        """What a bare number is: as the description says it."""
        said = str((self.api.spec.result or {}).get("description", ""))
        text = said.partition(",")[0].partition(" in ")[0].rstrip(".").lower()
        return text.removeprefix("the ") if 0 < text.count(" ") + bool(text) <= 3 else "result"

    def _one(self, fact: Fact) -> str:
        if fact.value.startswith('"') or (fact.label == "result" and not fact.value[:1].isdigit()):
            return self.say("text", label=fact.label, value=fact.value)
        if is_many(fact.label):
            return self.say("one_many", label=fact.label, value=fact.value)
        return self.say("one", label=fact.label, a_label=article(fact.label), value=fact.value)

    def _record(self, made: dict[str, Any], path: str) -> str:
        keys = {plain(key): key for key in made}
        special = _special(keys.keys())
        if special is not None:
            told = special(self, made, keys, path)
            if told is not None:
                return told
        for key, value in made.items():
            if (
                isinstance(value, list)
                and (not value or isinstance(value[0], dict))
                and self._is_list(key, path)
            ):
                return self._list(
                    value, f"{path}.{key}" if path else key, made.get(keys.get("total", "")), key
                )
        facts = list(self._facts(made, path))
        name = self._name(made)
        if name:
            facts = [fact for fact in facts if fact.value != name]
        if not facts:
            if name and "id" in keys:
                facts = [Fact(keys["id"], "ID", name)]
            else:
                return self.say("nothing")
        facts = self._chosen(facts)
        if name and name != facts[0].value and self.rng.random() < 0.75:
            return self._pattern("named", facts, name)
        if len(facts) == 1:
            return self._one(facts[0])
        return self._pattern("several", facts, "")

    def _pattern(self, kind: str, facts: list[Fact], name: str) -> str:
        pattern: str = self.rng.choice(phrases()["clauses"][kind])
        pair = self.rng.choice(phrases()["facts"]["pair"])
        return pattern.format(
            facts=listing([_stated(fact) for fact in facts]),
            pairs=listing([pair.format(label=fact.label, value=fact.value) for fact in facts]),
            name=name,
            thing=self.thing,
            things=self.things,
        )

    def _is_list(self, key: str, path: str) -> bool:
        return path in ("", "data") and any(
            place.startswith(f"{path}.{key}[]." if path else f"{key}[].") for place in self.api.returns
        )

    def _facts(self, made: dict[str, Any], path: str) -> Iterator[Fact]:
        for key, value in made.items():
            name = plain(key)
            if (
                name in _HIDDEN
                or value is None
                or (isinstance(value, list) and value and isinstance(value[0], dict))
            ):
                continue
            unit = _unit(self.api, f"{path}.{key}" if path else key)
            text = shown(value, "" if unit in label_of(key).split() else unit)
            if len(text) <= _LONGEST:
                yield Fact(key, label_of(key), text)

    def _chosen(self, facts: list[Fact]) -> list[Fact]:
        """Those that are worth telling: what the user did not say comes first."""
        fresh = [fact for fact in facts if fact.value not in self.known] or facts
        return fresh[: self.most]

    def _name(self, made: dict[str, Any]) -> str:
        """What to call the thing of a record: its name, or its identifier."""
        for key, value in made.items():
            if isinstance(value, str) and plain(key) in NAMING and len(value) <= _LONGEST:
                return shown(value)
        for key, value in made.items():
            if plain(key) == "id" or plain(key).endswith("_id"):
                return shown(value)
        return ""

    def _state(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        state, name = made[keys["status"]], self._name(made)
        if not isinstance(state, str) or not name:
            return None
        told = self.say("bad_state" if state in _BAD else "state", name=name, state=state)
        facts = [f for f in self._facts(made, path) if f.value not in (name, state) and f.value not in told]
        facts = [fact for fact in facts if plain(fact.key) != "created_at" or self.rng.random() < 0.5]
        facts = self._chosen(facts)[: max(1, self.most - 1)]
        if facts and self.rng.random() < 0.8:
            told += self.rng.choice((", and ", "; ", ", and ")) + listing([_stated(f) for f in facts])
        return told

    def _list(self, rows: list[Any], path: str, total: Any, key: str) -> str:
        rng, things = self.rng, self.things
        if not rows:
            return self.say("empty")
        if not isinstance(rows[0], dict):
            values = listing([shown(row) for row in rows])
            label = label_of(key) if key else self.things
            return self.say("words", label=label, values=values)
        verb, name = self.api.path[-1], plain(key)
        below = f"{path}[]"
        if all(row.keys() == {"success", "data"} and isinstance(row["data"], dict) for row in rows):
            rows, below = [row["data"] for row in rows], f"{below}.data"
        if name in ("forecast", "history") or verb in ("forecast", "history"):
            return self.say("series", items=listing([self._point(row, below) for row in rows]))
        if "group" in rows[0]:
            return self.say("groups", items=listing([self._group(row) for row in rows]))
        if self._stand_alone(rows, verb):
            return "; ".join([self._record(row, below) for row in rows])
        most = min(self.most, 2 if len(rows) <= 2 else 1)
        shorts = [self._item(row, below, most) for row in rows]
        more = isinstance(total, int) and total > len(rows)
        count = f"{len(rows)} {things}" if len(rows) > 1 else f"1 {self.thing}"
        if more:
            count = rng.choice(
                (f"{total} {things}, the first {len(rows)}", f"{len(rows)} of {total} {things}")
            )
            if len(rows) == 1:
                count = f"1 of {total} {things}"
        if len(rows) == 1:
            return self.say("single", count=count, items=shorts[0])
        if verb == "rank" or name == "ranking":
            first = self._called(rows[0])
            return self.say("ranking", first=first, items=listing(shorts))
        return self.say("list", count=count, items=listing(shorts))

    def _stand_alone(self, rows: list[Any], verb: str) -> bool:
        """Whether each entry is told by a clause of its own: it is no entry of a list that was searched."""
        keys = {plain(key) for key in rows[0]}
        if _special(keys) is not None or not any(isinstance(v, str | int | float) for v in rows[0].values()):
            return True
        if any(isinstance(v, list) and v and isinstance(v[0], dict) for v in rows[0].values()):
            return True
        return len(rows) == 1 and verb not in ("search", "list", "recommend", "rank")

    def _called(self, row: dict[str, Any]) -> str:
        """What an entry of a list is called: its name, its first text, its identifier or its first value."""
        for key, value in row.items():
            if isinstance(value, str) and plain(key) in NAMING:
                return shown(value)
        for key, value in row.items():
            telling = isinstance(value, str) and key not in ("id", "status") and len(value) <= 40
            if telling and value not in self.known and not value[:4].isdigit() and not self._is_choice(key):
                return shown(value)
        for key in ("id", *row):
            if key in row:
                return shown(row[key])
        return "one entry"

    def _is_choice(self, key: str) -> bool:
        text = next((text for path, text in self.api.returns.items() if path.endswith(f"[].{key}")), "")
        kind = kind_of(text)
        return kind is None or bool(kind.choices)

    def _item(self, row: dict[str, Any], path: str, most: int) -> str:
        called = self._called(row)
        facts = [f for f in self._facts(row, path) if f.value != called and f.value not in self.known]
        if "status" in row and most:
            facts.insert(0, Fact("status", "status", shown(row["status"])))
        if not facts or most == 0:
            return called
        return f"{called} ({', '.join(f'{fact.label} {fact.value}' for fact in facts[:most])})"

    def _point(self, row: dict[str, Any], path: str) -> str:
        moment, *others = row.items()
        told = listing([shown(value, _unit(self.api, f"{path}.{key}")) for key, value in others])
        return f"{told} on {shown(moment[1])}"

    def _group(self, row: dict[str, Any]) -> str:
        return (
            f"{shown(row['group'])} with a mean of {shown(row.get('mean'))} (count {shown(row.get('count'))})"
        )

    def _best(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        rows = made[keys["comparison"]]
        if not rows or not isinstance(rows[0], dict):
            return None
        below = f"{path}.comparison[]" if path else "comparison[]"
        items = listing([self._item(row, below, 1) for row in rows])
        return self.say("best", best=shown(made[keys["best"]]), items=items)

    def _check(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        if made[keys["valid"]]:
            return self.say("valid")
        problems = made[keys["problems"]]
        return (
            self.say("invalid", problem=listing([str(p).rstrip(".") for p in problems])) if problems else None
        )

    def _free(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        kind = "available" if made[keys["available"]] else "taken"
        return self.say(kind, date=str(made[keys["next_date"]]))

    def _file(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        size = shown(made[keys["size"]], _unit(self.api, f"{path}.{keys['size']}" if path else keys["size"]))
        return self.say("file", url=str(made[keys["url"]]), size=f" ({size})")

    def _active(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        what = "alert" if "alert_id" in keys else "subscription"
        kind = "subscribed" if made[keys["active"]] else "inactive"
        return self.say(kind, what=what, id=str(made[keys[f"{what}_id"]]))

    def _rated(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        return self.say(
            "rated", average=shown(made[keys["average_rating"]]), ratings=shown(made[keys["ratings"]])
        )

    def _shared(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        sent = made[keys["sent"]]
        return self.say(
            "shared", link=str(made[keys["link"]]), sent=f"{sent} message{'s' if sent != 1 else ''}"
        )

    def _estimated(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        key = next(iter(made))
        unit = _unit(self.api, f"{path}.{key}" if path else key)
        low, high = shown(made[keys["low"]], unit), shown(made[keys["high"]], unit)
        return self.say(
            "estimate",
            label=label_of(key),
            a_label=article(label_of(key)),
            value=shown(made[key], unit),
            low=low,
            high=high,
        )

    def _class(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        key = next(iter(made))
        unit = _unit(self.api, f"{path}.{keys['confidence']}" if path else keys["confidence"])
        return self.say(
            "class",
            label=label_of(key),
            value=shown(made[key]),
            confidence=shown(made[keys["confidence"]], unit),
        )

    def _written(self, made: dict[str, Any], keys: dict[str, str], path: str) -> str | None:
        name = next(name for name in _TEXTS if name in keys)
        return self.say("text", label=label_of(name), value=f'"{made[keys[name]]}"')


def _stated(fact: Fact) -> str:
    if plain(fact.key) in _ADJECTIVES and fact.value in ("yes", "no"):
        return f"it is {'' if fact.value == 'yes' else 'not '}{fact.label}"
    return f"the {fact.label} {'are' if is_many(fact.label) else 'is'} {fact.value}"


_TEXTS = ("summary", "translation", "explanation", "rewritten_text", "corrected_text")
_Special = Callable[[_Telling, dict[str, Any], dict[str, str], str], "str | None"]
_SPECIAL: tuple[tuple[frozenset[str], _Special], ...] = (
    (frozenset({"comparison", "best"}), _Telling._best),
    (frozenset({"valid", "problems"}), _Telling._check),
    (frozenset({"available", "next_date"}), _Telling._free),
    (frozenset({"url", "size"}), _Telling._file),
    (frozenset({"subscription_id", "active"}), _Telling._active),
    (frozenset({"alert_id", "active"}), _Telling._active),
    (frozenset({"average_rating", "ratings"}), _Telling._rated),
    (frozenset({"link", "sent"}), _Telling._shared),
    (frozenset({"low", "high"}), _Telling._estimated),
    (frozenset({"confidence"}), _Telling._class),
    *((frozenset({name}), _Telling._written) for name in _TEXTS),
    (frozenset({"status", "id"}), _Telling._state),
)


def _special(names: Any) -> _Special | None:
    return next((special for wanted, special in _SPECIAL if wanted <= names), None)
