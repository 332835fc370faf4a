"""What a simulated tool gives back: results that fit their schema and the arguments, and how to find
a value in a result again.

A result's member takes an argument's value where both are plainly the same thing; the entries of a list keep
to the filters, the order and the number that were asked for; calculations are worked out (`formulas`). All
else is drawn by the value types of `Api.returns`. Knows nothing of language.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues import shapes, sources
from tastemaker.synthesis.dialogues.entries import FIRST_DAYS, LAST_DAYS, SERIES, arranged, best_of, near
from tastemaker.synthesis.dialogues.failures import Failure, failure
from tastemaker.synthesis.dialogues.formulas import computed
from tastemaker.synthesis.dialogues.given import (
    Given,
    day_of,
    fits,
    given_by,
    is_number,
    kind_of,
    plain,
    single,
)
from tastemaker.synthesis.sheet import NAMING
from tastemaker.synthesis.value_types import ValueType
from tastemaker.synthesis.verification.text import invalid_character

__all__ = ["MOST", "Failure", "failure", "find", "result"]

MOST: Final = 4
"""Entries of the longest list."""

_FILTERING: Final = frozenset(
    {"search", "list", "recommend", "rank", "statistics", "export", "forecast", "history"}
)
"""Verbs whose lists are chosen by conditions; the other verbs' lists have an entry for each thing given."""
_EMPTY = frozenset({"search", "list", "recommend"})
_MOST_NAMES = ("limit", "top", "variants", "max_results", "n", "count")
_BAD_STATES = frozenset(
    {
        *("rejected", "failed", "not found", "too late", "out of stock", "declined", "offline", "conflict"),
        *("not running", "waiting list", "unchanged", "already saved", "delayed"),
    }
)
_BAD_SHARE = 0.12
_TRIES = 6
_NOW_NAMES = frozenset({"created_at", "updated_at", "started_at", "sent_at", "paid_at"})
_ORDERED = (
    ("start_date", "end_date"),
    ("from_date", "to_date"),
    ("start", "end"),
    ("from_time", "to_time"),
    ("start_time", "end_time"),
    ("check_in", "check_out"),
    ("departure", "arrival"),
    ("opens", "closes"),
    ("low", "high"),
    ("minimum", "maximum"),
    ("sunrise", "sunset"),
)
"""Members of which the first is not above the second."""


def result(api: Api, arguments: dict[str, Any], rng: random.Random) -> Any:
    """What the API gives back for these arguments: valid under `api.spec.result`."""
    return _Maker(api, arguments, rng).made()


def find(result: Any, path: str) -> list[Any]:
    """The values at a path of `Api.returns`, in order.

    >>> find({"results": [{"id": "A-1"}, {"id": "B-2"}]}, "results[].id")
    ['A-1', 'B-2']
    """
    values = [result]
    for part in path.replace("[]", ".[]").split("."):
        if part == "[]":
            values = [entry for value in values if isinstance(value, list) for entry in value]
        elif part:
            values = [value[part] for value in values if isinstance(value, dict) and part in value]
    return values


class _Maker:
    """Makes one result."""

    def __init__(self, api: Api, arguments: dict[str, Any], rng: random.Random) -> None:
        self.api, self.rng = api, rng
        self.thing, self.verb = api.path[0], api.path[-1]
        self.given = given_by(api, arguments)
        self.now = self._moment()
        self.shape = rng.randrange(16)
        self.used: set[Any] = set()
        given = self.given
        self.computed = self._computed(given)
        self.decimals = given.number("decimals")

    def _computed(self, given: Given) -> dict[str, Any]:
        if self.verb not in ("calculate", "convert", "estimate"):
            return {}
        flat: dict[str, Any] = {name: value for name, (value, _) in given.values.items()}
        properties = self.api.spec.parameters.get("properties", {})
        flat.update({plain(key): entries for key, entries in self._raw_lists(properties)})
        return computed(self.thing, flat)

    def _raw_lists(self, properties: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
        """Lists of scalars under their own names."""
        for key in properties:
            one = single(plain(key))
            if one in self.given.lists:
                yield key, self.given.lists[one][0]
        for holder in self.given.objects.values():
            for key, value in holder.items():
                if isinstance(value, list):
                    yield key, value

    def _moment(self) -> date:
        """The day of the call: a little before the days asked about, or after those of the past."""
        days = [
            day
            for value, text in self.given.values.values()
            if text in ("date", "datetime") and (day := day_of(value))
        ]
        if not days:
            return date(2026, 1, 5) + timedelta(days=self.rng.randrange(330))
        back = self.verb in ("history", "statistics", "track", "list", "search", "get")
        gap = timedelta(days=self.rng.randint(1, 14))
        return max(days) + gap if back else min(days) - gap

    def made(self) -> Any:
        schema = self.api.spec.result or {}
        if schema.get("type") not in ("object", "array"):
            first = next(iter(self.computed.values()), None)
            if first is not None and (fitted := self._fitted(first, schema)) is not None:
                return fitted
            return self._scalar("", schema, "", self.given)
        return self._value(schema, "", self.given, "")

    def _value(self, schema: dict[str, Any], path: str, given: Given, name: str) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, path, given)
        if kind == "array":
            return self._array(schema, path, given, name)
        return self._scalar(name, schema, path, given)

    def _object(self, schema: dict[str, Any], path: str, given: Given) -> dict[str, Any]:
        made: dict[str, Any] = {}
        required = schema.get("required", ())
        asked = given.lists.get("field", ((),))[0]
        spellings: dict[str, str] = {}
        for key, part in schema.get("properties", {}).items():
            if key not in required and not (key in asked or (not asked and self.rng.random() < 0.4)):
                continue
            name = plain(key)
            spellings[name] = key
            below = f"{path}.{key}" if path else key
            kind = part.get("type")
            if kind == "object" and name in given.objects and self._same_shape(part, given.objects[name]):
                made[key] = given.objects[name]
            elif kind in ("object", "array"):
                made[key] = self._value(part, below, given, name)
            else:
                made[key] = self._scalar(name, part, below, given)
        self._agree(made, spellings, schema, path, given)
        return made

    def _same_shape(self, schema: dict[str, Any], value: dict[str, Any]) -> bool:
        properties = schema.get("properties", {})
        return value.keys() == properties.keys() and all(fits(value[key], properties[key]) for key in value)

    def _array(self, schema: dict[str, Any], path: str, given: Given, name: str) -> list[Any]:
        items, below = schema.get("items", {}), f"{path}[]"
        if items.get("type") != "object":
            return self._scalars(items, below, given, name, schema)
        main = path in ("", "data") or path.removeprefix("data.").isidentifier() or name in SERIES
        if not main:
            return [self._object(items, below, given) for _ in range(self.rng.randint(1, 2))]
        rows = self._of_each(items, below, given)
        if rows is None:
            rows = [self._object(items, below, given) for _ in range(self._count(items, below, given))]
        return arranged(self, rows, items, given, name or "results")

    def _of_each(self, items: dict[str, Any], path: str, given: Given) -> list[Any] | None:
        """An entry for each of several things that were given by name; None where none were."""
        if self.verb in _FILTERING:
            return None
        if given.entries:
            return [
                self._object(items, path, given.with_entry(self.api, "", entry, ""))
                for entry in given.entries
            ]
        for name, (values, text) in given.lists.items():
            last = name.rpartition("_")[2]
            if text.startswith("@") or (last in NAMING and text):
                return [
                    self._object(items, path, given.with_entry(self.api, name, value, text))
                    for value in values
                ]
        return None

    def _count(self, items: dict[str, Any], path: str, given: Given) -> int:
        rng, most = self.rng, MOST
        for name in _MOST_NAMES:
            asked = given.number(name)
            if asked is not None:
                most = min(most, int(asked))
        horizon = given.number("horizon")
        if horizon is not None:
            most = min(most, max(1, int(horizon)))
        if self.verb in _EMPTY and rng.random() < 0.05:
            return 0
        for key, part in items.get("properties", {}).items():
            text = self.api.returns.get(f"{path}.{key}", "")
            if self._taken(plain(key), part, text, given) is not None and (
                text.startswith("@") or plain(key) in NAMING
            ):
                return min(most, 1)
            kind = kind_of(text) if text.startswith("~") else None
            if kind is not None and plain(key) in NAMING:
                most = min(most, len(kind.examples))
        return min(most, rng.choice((1, 2, 2, 3, 3, 3, 4))) if most > 0 else 0

    def _scalars(
        self, items: dict[str, Any], path: str, given: Given, name: str, schema: dict[str, Any]
    ) -> list[Any]:
        rng = self.rng
        worked = self.computed.get(name) if name else next(iter(self.computed.values()), None)
        if isinstance(worked, list):
            fitted = [self._fitted(value, items) for value in worked]
            if None not in fitted:
                return fitted
        if name == "problems" or path == "problems[]":
            return []
        text = self.api.returns.get(path, "")
        one = single(name)
        values, kind = given.lists.get(one, ((), ""))
        if values and kind == text and all(fits(value, items) for value in values):
            return list(values)
        if items.get("type") in ("object", "array"):
            return [self._value(items, path, given, name) for _ in range(2)]
        most = min(3, schema.get("maxItems", 3), int(given.number("count") or 3))
        made: list[Any] = []
        for _ in range(max(schema.get("minItems", 1), rng.randint(1, max(1, most)))):
            value = self._scalar("", items, path, given)
            if value not in made:
                made.append(value)
        return made

    def _taken(self, name: str, schema: dict[str, Any], text: str, given: Given) -> Any:
        """The argument's value that a member must have; None where no argument is plainly the same."""
        found = given.values.get(name)
        if found is not None and (found[1] == text or (not text and not found[1])) and fits(found[0], schema):
            return found[0]
        several = given.lists.get(name)
        if several is not None and several[1] == text:
            allowed = [value for value in several[0] if fits(value, schema)]
            if allowed:
                return self.rng.choice(allowed)
        if text and (text[0] == "@" or name in NAMING):
            for key, (value, kind) in given.values.items():
                if kind == text and (text[0] == "@" or key.endswith(f"_{name}")) and fits(value, schema):
                    return value
            for key, (values, kind) in given.lists.items():
                if kind == text and (text[0] == "@" or key.endswith(f"_{name}")) and fits(values[0], schema):
                    return self.rng.choice(values)
        return None

    def _scalar(self, name: str, schema: dict[str, Any], path: str, given: Given) -> Any:
        if name and name in self.computed:
            fitted = self._fitted(self.computed[name], schema)
            if fitted is not None:
                return fitted
        text = self.api.returns.get(path, "")
        taken = self._taken(name, schema, text, given)
        if taken is not None:
            return taken
        kind = kind_of(text) if text else None
        what = schema.get("type")
        if "enum" in schema:
            return self._choice(schema["enum"])
        if what == "boolean":
            return self.rng.random() < (1.0 if name == "success" else 0.75)
        if what == "integer" or what == "number":
            return self._number(name, schema, kind, given)
        return self._text(name, schema, text, kind, given)

    def _choice(self, choices: Sequence[Any]) -> Any:
        good = [choice for choice in choices if choice not in _BAD_STATES]
        if good and len(good) < len(choices) and self.rng.random() >= _BAD_SHARE:
            choices = good
        return self.rng.choice(choices)

    def _number(self, name: str, schema: dict[str, Any], kind: ValueType | None, given: Given) -> float:
        typed = kind.schema if kind is not None and kind.is_number else {}
        low = schema.get("minimum", typed.get("minimum"))
        high = schema.get("maximum", typed.get("maximum"))
        low = low if low is not None else 1
        high = high if high is not None else max(low + 1, 100)
        least, most = given.number(f"min_{name}"), given.number(f"max_{name}")
        if least is not None and least <= high:
            low = max(low, least)
        if most is not None and most >= low:
            high = min(high, most)
        if name == "confidence":
            low = max(low, min(0.6, high), given.number("threshold") or 0)
        whole = schema.get("type") == "integer"
        share = self.rng.random()
        if least is None and low >= 0 and high > 50 * max(low, 1) and high > 500:
            share = 0.004 + 0.4 * share * share
        value = low + (high - low) * share
        if whole:
            return min(int(high), max(int(-(-low // 1)), round(value)))
        places = int(self.decimals) if self.decimals is not None else 1 if high - low > 300 else 2
        rounded = round(value, places)
        rounded = rounded if low <= rounded <= high else low
        return int(rounded) if float(rounded).is_integer() else rounded

    def _fitted(self, value: Any, schema: dict[str, Any]) -> Any:
        """A computed value as the schema wants it; None where it does not fit."""
        kind = schema.get("type")
        if is_number(value) and kind == "integer":
            value = round(value)
        elif is_number(value) and kind == "number":
            if self.decimals is not None:
                value = round(value, int(self.decimals))
            elif value:
                value = float(f"{value:.4g}") if abs(value) < 1 else round(value, 2)
            if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
                value = int(value)
        return value if fits(value, schema) else None

    def _text(
        self, name: str, schema: dict[str, Any], text: str, kind: ValueType | None, given: Given
    ) -> str:
        rng = self.rng
        if text.startswith("@") and kind is not None:
            return shapes.identifier(rng, text, self.shape + len(text))
        if text == "date" or schema.get("format") == "date":
            return str(self._date(given))
        if text == "datetime" or schema.get("format") == "date-time":
            return self._datetime(name, given)
        if text == "time":
            return f"{rng.randint(6, 22):02d}:{rng.choice(('00', '15', '30', '45'))}"
        if name == "url" and self.verb == "export":
            ending = given.text("format") or "csv"
            file = f"{plain(self.thing).replace('_', '-')}-{rng.randint(100, 999)}.{ending}"
            return f"https://files.example.com/{file}"
        if name == "link" and self.verb == "share":
            return f"https://share.example.com/{rng.randrange(16**6):06x}"
        if name in _WRITTEN:
            texts = [text for text in _WRITTEN[name] if (name, text) not in self.used] or _WRITTEN[name]
            self.used.add((name, text := rng.choice(texts)))
            return text.format(thing=self.thing)
        if name == "translation":
            code = given.text("target_language") or "en"
            return rng.choice(_TRANSLATIONS.get(code, _TRANSLATIONS["en"]))
        if name == "language" and "target_language" in given.values:
            return str(given.values["target_language"][0])
        if not name and kind is None:
            return rng.choice(_WRITTEN["summary"]).format(thing=self.thing)
        source = sources.named().get(text)
        choices = kind.examples if kind is not None and kind.examples else ("all", "standard", "main")
        for _ in range(_TRIES):
            value = str(source(rng) if source is not None else rng.choice(choices))
            if (name, value) not in self.used and fits(value, schema) and not invalid_character(value):
                break
        else:
            value = str(rng.choice(choices))
        if name:
            self.used.add((name, value))
        return value

    def _date(self, given: Given) -> date:
        first, last = day_of(given.text(*FIRST_DAYS)), day_of(given.text(*LAST_DAYS))
        if first is not None and last is not None and first <= last:
            return first + timedelta(days=self.rng.randint(0, (last - first).days))
        if first is not None:
            return first + timedelta(days=self.rng.randint(0, 30))
        if last is not None:
            return last - timedelta(days=self.rng.randint(0, 30))
        return self.now + timedelta(days=self.rng.randint(1, 60))

    def _datetime(self, name: str, given: Given) -> str:
        clock = f"{self.rng.randint(7, 20):02d}:{self.rng.choice(('00', '15', '30', '45'))}:00Z"
        if name in _NOW_NAMES:
            return f"{self.now}T{clock}"
        if name == "starts_at":
            start = given.text("start")
            if start and "T" in start:
                return start
            if day_of(given.text("date")):
                return f"{given.text('date')}T{given.text('time') or clock[:5]}:00Z"
        return f"{self._date(given)}T{clock}"

    def _agree(
        self, made: dict[str, Any], keys: dict[str, str], schema: dict[str, Any], path: str, given: Given
    ) -> None:
        """What members of one object have to do with one another."""
        rng = self.rng
        pairs = [(name, f"high_{name[4:]}") for name in keys if name.startswith("low_")]
        for first, second in (*_ORDERED, *pairs):
            if first in keys and second in keys:
                one, two = made[keys[first]], made[keys[second]]
                if type(one) is type(two) and isinstance(one, str | int | float) and one > two:
                    if first in given.values or second in given.values:
                        continue
                    made[keys[first]], made[keys[second]] = two, one
        if "low" in keys and "high" in keys:
            middle = next(iter(keys))
            for word, factor in (("low", 0.9 - 0.1 * rng.random()), ("high", 1.1 + 0.1 * rng.random())):
                made[keys[word]] = near(made[keys[middle]], factor, schema["properties"][keys[word]])
        rows = next((value for value in made.values() if isinstance(value, list)), None)
        if rows is not None:
            self._count_rows(made, keys, schema, rows, given)
        if "valid" in keys and "problems" in keys:
            made[keys["problems"]] = [] if made[keys["valid"]] else [self._problem()]
        if (
            "available" in keys
            and "next_date" in keys
            and (asked := day_of(given.text("date", "start_date")))
        ):
            later = asked + timedelta(days=0 if made[keys["available"]] else rng.randint(1, 9))
            made[keys["next_date"]] = str(later)
        if "sent" in keys and "recipient" in given.lists and is_number(made[keys["sent"]]):
            made[keys["sent"]] = len(given.lists["recipient"][0])
        text = next((made[keys[name]] for name in ("summary",) if name in keys), None)
        if text is not None and "words" in keys:
            made[keys["words"]] = len(text.split())

    def _count_rows(
        self,
        made: dict[str, Any],
        keys: dict[str, str],
        schema: dict[str, Any],
        rows: list[Any],
        given: Given,
    ) -> None:
        properties = schema["properties"]
        if "total" in keys and self.verb not in ("calculate", "convert"):
            more = self.rng.randint(1, 40) if rows and self.rng.random() < 0.35 else 0
            total = len(rows) + more
            if fits(total, properties[keys["total"]]):
                made[keys["total"]] = total
        if "count" in keys and "count" not in given.values and fits(len(rows), properties[keys["count"]]):
            made[keys["count"]] = len(rows)
        if "next_page" in keys:
            following = int(given.number("page") or 1) + 1
            if rows and fits(following, properties[keys["next_page"]]):
                made[keys["next_page"]] = following
            else:
                del made[keys["next_page"]]
        if "best" in keys and rows and isinstance(rows[0], dict):
            by = [plain(str(name)) for name in given.lists.get("criterion", ((),))[0]]
            row = best_of(rows, by)
            first = self._first_attribute(row)
            if first is not None and fits(row[first], properties[keys["best"]]):
                made[keys["best"]] = row[first]

    def _first_attribute(self, row: dict[str, Any]) -> str | None:
        """The member that tells which thing an entry is: as in the tree, the first after the identifier."""
        wanted = self.api.returns.get("best", self.api.returns.get("data.best", ""))
        for path, text in self.api.returns.items():
            key = path.rpartition(".")[2]
            if "[]." in path and text == wanted and key in row:
                return key
        return None

    def _problem(self) -> str:
        names = [name.replace("_", " ") for name in self.given.values] or ["input"]
        return self.rng.choice(_PROBLEMS).format(name=self.rng.choice(names))


_PROBLEMS = (
    "The {name} is not in the expected form.",
    "The {name} is out of the allowed range.",
    "The {name} does not match our records.",
    "The {name} is not accepted here.",
    "The {name} conflicts with an existing entry.",
)
_WRITTEN = {
    "summary": (
        "The {thing} covers the main points in a short and clear way.",
        "All steps are done; two small points are still open for next week.",
        "Most people were content, and only a few asked for changes later.",
        "The first part explains the aim, and the second part gives the numbers.",
    ),
    "explanation": (
        "Think of it as a few small steps that build on one another.",
        "The main idea is simple: each part depends on the one before it.",
        "It works because small changes add up over time.",
        "In short, the cause comes first and the effect can be measured.",
    ),
    "rewritten_text": (
        "Could you please call me back before noon?",
        "We are pleased to confirm your request.",
        "Thanks a lot for your help!",
    ),
}
_TRANSLATIONS = {
    "en": ("Thank you for your help.", "We will arrive on Friday."),
    "es": ("Gracias por su ayuda.", "Llegaremos el viernes."),
    "fr": ("Merci pour votre aide.", "Nous arriverons vendredi."),
    "de": ("Vielen Dank für Ihre Hilfe.", "Wir kommen am Freitag an."),
    "pt": ("Obrigado pela sua ajuda.", "Chegaremos na sexta-feira."),
    "it": ("Grazie per il suo aiuto.", "Arriveremo venerdì."),
    "nl": ("Bedankt voor uw hulp.", "We komen vrijdag aan."),
    "ja": ("ご協力ありがとうございます。",),
    "zh": ("谢谢您的帮助。",),
    "ar": ("شكرا على مساعدتكم.",),
}
