"""JSON Schema (Draft 2020-12) compiled to plain functions, for checking many values against one definition.

`compiled` gives the verdicts of `jsonschema`, which it falls back to for the keywords that tool definitions
hardly ever use. Formats are asserted. Knows nothing of tools or dialogues.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import math
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

from tastemaker.llm.signature import resolve


class Misfit(NamedTuple):
    """One thing that does not fit: the keyword that says so, the place as a dotted path, and why."""

    keyword: str
    where: str
    why: str


Check = Callable[[Any, str, list[Misfit]], None]
"""Appends what does not fit of a value that stands at a place."""


def compiled(schema: dict[str, Any]) -> Callable[[Any], list[Misfit]]:
    """A function that gives all misfits of a value. `schema` must be a valid JSON Schema.

    >>> fits = compiled({"type": "object", "required": ["n"], "properties": {"n": {"minimum": 1}}})
    >>> fits({"n": 0})
    [Misfit(keyword='minimum', where='n', why='0 is less than 1')]
    """
    try:
        check = _compile(schema, schema, {})
    except _BeyondUsError:
        return _by_jsonschema(schema)

    def misfits(value: Any) -> list[Misfit]:
        out: list[Misfit] = []
        try:
            check(value, "", out)
        except RecursionError:
            out.append(Misfit("$ref", "", "nested too deep"))
        return out

    return misfits


class _BeyondUsError(Exception):
    """A schema uses a keyword that is left to jsonschema."""


_LEFT_TO_JSONSCHEMA: Final = frozenset(
    [
        "multipleOf",
        "contains",
        "minContains",
        "maxContains",
        "patternProperties",
        "dependentRequired",
        "dependentSchemas",
        "not",
        "if",
        "then",
        "else",
        "unevaluatedItems",
        "unevaluatedProperties",
        "$dynamicRef",
        "$dynamicAnchor",
        "$anchor",
        "$id",
        "minProperties",
        "maxProperties",
    ]
)


def _by_jsonschema(schema: dict[str, Any]) -> Callable[[Any], list[Misfit]]:
    validator = Draft202012Validator(schema, registry=Registry(), format_checker=FORMAT_CHECKER)

    def misfits(value: Any) -> list[Misfit]:
        try:
            return [
                Misfit(str(e.validator), ".".join(map(str, e.absolute_path)), _short(e.message))
                for e in validator.iter_errors(value)
            ]
        except RecursionError:
            return [Misfit("$ref", "", "nested too deep")]

    return misfits


def _compile(schema: Any, root: dict[str, Any], known: dict[str, Check]) -> Check:
    if schema is True:
        return _nothing
    if schema is False:
        return lambda value, where, out: out.append(Misfit("false", where, "nothing is allowed here"))
    if not _LEFT_TO_JSONSCHEMA.isdisjoint(schema):
        raise _BeyondUsError
    checks: list[Check] = []
    for keyword, make in _KEYWORDS.items():
        if keyword in schema:
            checks.append(make(schema[keyword], schema, root, known))
    if "properties" in schema or "additionalProperties" in schema:
        checks.append(_members(schema, root, known))
    if "items" in schema or "prefixItems" in schema:
        checks.append(_entries(schema, root, known))
    if not checks:
        return _nothing
    if len(checks) == 1:
        return checks[0]
    together = tuple(checks)

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        for each in together:
            each(value, where, out)

    return check


def _nothing(value: Any, where: str, out: list[Misfit]) -> None:
    """Accept."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: (
        (isinstance(v, int) and not isinstance(v, bool))
        or (isinstance(v, float) and math.isfinite(v) and v.is_integer())
    ),
    "number": _is_number,
    "boolean": lambda v: isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}


def _type(kinds: Any, schema: Any, root: Any, known: Any) -> Check:
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    tests = [_TYPES[name] for name in names]
    wanted = " or ".join(names)

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        for test in tests:
            if test(value):
                return
        out.append(Misfit("type", where, f"{_shown(value)} is no {wanted}"))

    return check


def _same(one: Any, two: Any) -> bool:
    """Equality of JSON values: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(value, two[key]) for key, value in one.items())
    return bool(one == two)


def _enum(choices: list[Any], schema: Any, root: Any, known: Any) -> Check:
    texts = frozenset(choice for choice in choices if isinstance(choice, str))
    others = [choice for choice in choices if not isinstance(choice, str)]
    listed = ", ".join(_shown(choice) for choice in choices[:8])

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if value in texts if isinstance(value, str) else any(_same(value, other) for other in others):
            return
        out.append(Misfit("enum", where, f"{_shown(value)} is none of {listed}"))

    return check


def _const(choice: Any, schema: Any, root: Any, known: Any) -> Check:
    return _enum([choice], schema, root, known)


def _required(names: list[str], schema: Any, root: Any, known: Any) -> Check:
    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if isinstance(value, dict):
            for name in names:
                if name not in value:
                    out.append(Misfit("required", where, f"{name} is missing"))

    return check


def _bound(keyword: str, words: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Check]:
    def make(bound: Any, schema: Any, root: Any, known: Any) -> Check:
        def check(value: Any, where: str, out: list[Misfit]) -> None:
            if _is_number(value) and not holds(value, bound):
                out.append(Misfit(keyword, where, f"{_shown(value)} is {words} {bound}"))

        return check

    return make


def _size(
    keyword: str, kind: type[str] | type[list[Any]], words: str, holds: Callable[[int, Any], bool]
) -> Callable[..., Check]:
    def make(bound: Any, schema: Any, root: Any, known: Any) -> Check:
        def check(value: Any, where: str, out: list[Misfit]) -> None:
            if isinstance(value, kind) and not holds(len(value), bound):
                out.append(Misfit(keyword, where, f"{_shown(value)} has {words} {bound}"))

        return check

    return make


def _pattern(pattern: str, schema: Any, root: Any, known: Any) -> Check:
    found = re.compile(pattern).search

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if isinstance(value, str) and not found(value):
            out.append(Misfit("pattern", where, f"{_shown(value)} does not match {pattern}"))

    return check


def _format(name: str, schema: Any, root: Any, known: Any) -> Check:
    holds = FORMATS.get(name)
    if holds is None:
        return _nothing

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if isinstance(value, str) and not holds(value):
            out.append(Misfit("format", where, f"{_shown(value)} is no {name}"))

    return check


def _reference(reference: str, schema: Any, root: dict[str, Any], known: dict[str, Check]) -> Check:
    if reference not in known:
        target = resolve(reference, root)
        if target is None:
            raise _BeyondUsError
        known[reference] = _nothing
        known[reference] = _compile(target, root, known)
    return lambda value, where, out: known[reference](value, where, out)


def _unique(wanted: bool, schema: Any, root: Any, known: Any) -> Check:
    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if not wanted or not isinstance(value, list):
            return
        if all(isinstance(entry, str) for entry in value):
            twice = len(set(value)) < len(value)
        else:
            twice = any(_same(one, two) for one, two in itertools.combinations(value, 2))
        if twice:
            out.append(Misfit("uniqueItems", where, f"{_shown(value)} has an entry twice"))

    return check


def _names(names: Any, schema: Any, root: dict[str, Any], known: dict[str, Check]) -> Check:
    of_a_name = _compile(names, root, known)

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if isinstance(value, dict):
            for name in value:
                of_a_name(name, where, out)

    return check


def _branches(keyword: str, enough: Callable[[int, int], bool]) -> Callable[..., Check]:
    def make(branches: list[Any], schema: Any, root: dict[str, Any], known: dict[str, Check]) -> Check:
        checks = [_compile(branch, root, known) for branch in branches]

        def check(value: Any, where: str, out: list[Misfit]) -> None:
            fitting = 0
            for branch in checks:
                inner: list[Misfit] = []
                branch(value, where, inner)
                fitting += not inner
            if not enough(fitting, len(checks)):
                out.append(
                    Misfit(keyword, where, f"{_shown(value)} fits {fitting} of {len(checks)} branches")
                )

        return check

    return make


def _all_of(branches: list[Any], schema: Any, root: dict[str, Any], known: dict[str, Check]) -> Check:
    checks = [_compile(branch, root, known) for branch in branches]

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        for branch in checks:
            branch(value, where, out)

    return check


def _members(schema: Mapping[str, Any], root: dict[str, Any], known: dict[str, Check]) -> Check:
    properties = {name: _compile(part, root, known) for name, part in schema.get("properties", {}).items()}
    others = schema.get("additionalProperties", True)
    other = _compile(others, root, known)

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if not isinstance(value, dict):
            return
        prefix = f"{where}." if where else ""
        for name, part in value.items():
            mine = properties.get(name)
            if mine is not None:
                mine(part, prefix + name, out)
            elif others is False:
                out.append(Misfit("additionalProperties", where, f"there is no {_shown(name)}"))
            else:
                other(part, prefix + name, out)

    return check


def _entries(schema: Mapping[str, Any], root: dict[str, Any], known: dict[str, Check]) -> Check:
    first = [_compile(part, root, known) for part in schema.get("prefixItems", ())]
    rest = _compile(schema.get("items", True), root, known)

    def check(value: Any, where: str, out: list[Misfit]) -> None:
        if isinstance(value, list):
            prefix = f"{where}." if where else ""
            for place, entry in enumerate(value):
                (first[place] if place < len(first) else rest)(entry, f"{prefix}{place}", out)

    return check


_KEYWORDS: Final[dict[str, Callable[..., Check]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "minimum": _bound("minimum", "less than", lambda v, b: v >= b),
    "maximum": _bound("maximum", "more than", lambda v, b: v <= b),
    "exclusiveMinimum": _bound("exclusiveMinimum", "not more than", lambda v, b: v > b),
    "exclusiveMaximum": _bound("exclusiveMaximum", "not less than", lambda v, b: v < b),
    "minLength": _size("minLength", str, "fewer characters than", lambda n, b: n >= b),
    "maxLength": _size("maxLength", str, "more characters than", lambda n, b: n <= b),
    "minItems": _size("minItems", list, "fewer entries than", lambda n, b: n >= b),
    "maxItems": _size("maxItems", list, "more entries than", lambda n, b: n <= b),
    "pattern": _pattern,
    "format": _format,
    "$ref": _reference,
    "anyOf": _branches("anyOf", lambda fitting, n: fitting >= 1),
    "oneOf": _branches("oneOf", lambda fitting, n: fitting == 1),
    "allOf": _all_of,
    "uniqueItems": _unique,
    "propertyNames": _names,
}

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[\w-]+(\.[\w-]+)*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def _parses(read: Callable[[str], Any], form: re.Pattern[str] | None = None) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        if form is not None and not form.fullmatch(text):
            return False
        try:
            read(text)
        except ValueError:
            return False
        return True

    return holds


def _is_regex(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


_is_date = _parses(datetime.date.fromisoformat, _DATE)
_is_time = _parses(lambda text: datetime.time.fromisoformat(text.upper()), _TIME)

FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "date": _is_date,
    "time": _is_time,
    "date-time": lambda text: text[10:11] in ("T", "t", " ") and _is_date(text[:10]) and _is_time(text[11:]),
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "uri": lambda text: _URI.fullmatch(text) is not None,
    "uuid": _parses(uuid.UUID, _UUID),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "regex": _is_regex,
}
"""The formats that are asserted (RFC 3339, 3986, 4122, 5321 in their usual forms); others are notes."""


def _checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, holds in FORMATS.items():
        checker.checks(name)(lambda value, holds=holds: not isinstance(value, str) or holds(value))
    return checker


FORMAT_CHECKER: Final = _checker()
"""The same formats for jsonschema."""


def _shown(value: Any) -> str:
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
