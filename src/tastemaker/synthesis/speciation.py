"""Speciation: a context tree from API documents (ToolACE, arXiv 2409.00920, section 2.1), without a model.

A tool's name tells the verb and the thing, its parameters tell the attributes, and a parameter's name, format
and choices tell the value type. A document that only names and describes an API becomes a thing that can be
searched, read and listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api, Lineage, api_id
from tastemaker.synthesis.context_tree import Attribute, ContextTree, Domain, Thing, default_tree, join_things
from tastemaker.synthesis.functions import BUILDERS
from tastemaker.synthesis.value_types import ValueTypes
from tastemaker.synthesis.wording import singular, snake, words
from tastemaker.tools.importers import ApiDocument

AREA = "Documents"
_ATTRIBUTES = 8
"""Attributes that a thing takes from one tool, at most."""

_ALIASES = {
    **dict.fromkeys(("find", "query", "lookup"), "search"),
    **dict.fromkeys(("fetch", "retrieve", "read", "show", "return", "returns", "check"), "get"),
    **dict.fromkeys(("add", "new", "post", "insert", "register", "submit", "make"), "create"),
    **dict.fromkeys(("edit", "modify", "change", "put", "patch", "set"), "update"),
    **dict.fromkeys(("remove", "destroy", "unsave", "unfollow"), "delete"),
    **dict.fromkeys(("suggest",), "recommend"),
    **dict.fromkeys(("reserve",), "book"),
    **dict.fromkeys(("analyze", "stats"), "statistics"),
    **dict.fromkeys(("follow",), "subscribe"),
    **dict.fromkeys(("all", "browse"), "list"),
}
_JOINERS = {
    "by",
    "for",
    "of",
    "from",
    "with",
    "in",
    "to",
    "the",
    "a",
    "an",
    "and",
    "on",
    "at",
    "id",
    "ids",
    "api",
}
_PAGING = {
    *(
        "limit",
        "offset",
        "page",
        "sort",
        "order",
        "per_page",
        "page_size",
        "cursor",
        "api_key",
        "apikey",
        "key",
    ),
    *("fields", "include", "format", "callback", "token", "access_token", "count"),
}
_FORMATS = {"date": "date", "date-time": "datetime", "email": "email", "uri": "url", "ipv4": "ip_address"}
_SYNONYMS = {
    "q": "query",
    "keyword": "query",
    "search": "query",
    "lat": "latitude",
    "lon": "longitude",
    "lng": "longitude",
}
_UNSAFE = re.compile(r"[;{}|~@\n]|\.\.|\[\]| -> ")
_LABEL = "~Alpha|Blue Star|North|Sample 12|Green Hill"


def speciate(documents: Iterable[ApiDocument], types: ValueTypes | None = None) -> ContextTree:
    """The context tree of the documents; a document's category is its domain, else its name."""
    known = types or default_tree().types
    domains: dict[str, Domain] = {}
    for document in documents:
        name = " ".join(words(document.domain or document.name)) or "other"
        things = [_thing(name, spec, known) for spec in document.tools]
        if not document.tools:
            things = [_described(document)]
        old = domains[name].things if name in domains else ()
        domains[name] = Domain(AREA, name, join_things((*old, *things)))
    return ContextTree(domains, known)


def originals(documents: Iterable[ApiDocument], types: ValueTypes, area: str = AREA) -> list[Api]:
    """The documents' own tools as members of a pool, with value types guessed."""
    apis = []
    for document in documents:
        domain = " ".join(words(document.domain or document.name)) or "other"
        for spec in document.tools:
            whole = spec.model_copy(update={"result": spec.result or {"type": "object"}})
            if not whole.description.strip():
                whole = whole.model_copy(
                    update={"description": " ".join(words(whole.name)).capitalize() + "."}
                )
            verb, thing = _verb_and_thing(whole.name)
            apis.append(
                Api(
                    id=api_id(whole),
                    spec=whole,
                    area=area,
                    domain=domain,
                    path=(thing, verb),
                    types=dict(leaf_types(whole.parameters, "", domain, types)),
                    lineage=Lineage(origin="document"),
                )
            )
    return apis


def guess(name: str, schema: Any, domain: str, types: ValueTypes) -> str:
    """The text of the value type that a parameter of this name and schema most likely has.

    >>> types = ValueTypes({"city": "~Paris|Rome", "integer": {"schema": {"type": "integer"}}})
    >>> guess("departureCity", {"type": "string"}, "trains", types)
    'city'
    >>> guess("kind", {"type": "string", "enum": ["fast", "slow"]}, "trains", types)
    'fast|slow'
    """
    if not isinstance(schema, dict):
        return _LABEL
    branches = [b for b in _list(schema.get("anyOf")) if isinstance(b, dict) and b.get("type") != "null"]
    if "type" not in schema and branches:
        return guess(name, branches[0], domain, types)
    kind = schema.get("type")
    kind = next((k for k in kind if k != "null"), None) if isinstance(kind, list) else kind
    choices = [str(value) for value in schema.get("enum") or () if value is not None]
    if (
        kind in (None, "string")
        and len(set(choices)) > 1
        and not any(_UNSAFE.search(c) or not c.strip() for c in choices)
    ):
        return "|".join(dict.fromkeys(choices))
    if kind == "boolean":
        return "bool"
    if kind == "array":
        return guess(singular(" ".join(words(name))), schema.get("items"), domain, types) + "[]"
    if kind == "object":
        return _object(schema, domain, types)
    if kind in ("integer", "number"):
        return _number(name, schema, kind, types)
    return _text(name, schema, domain, types)


def _number(name: str, schema: dict[str, Any], kind: str, types: ValueTypes) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        return f"{int(low)}..{int(high)}" if kind == "integer" else f"{float(low)}..{float(high)}"
    for candidate in _tails(name):
        if candidate in types and types.read(candidate).kind == kind:
            return candidate
    return kind if kind in types else "1..100"


def _text(name: str, schema: dict[str, Any], domain: str, types: ValueTypes) -> str:
    if (form := _FORMATS.get(str(schema.get("format")))) and form in types:
        return form
    tails = _tails(name)
    for candidate in tails:
        if candidate in types and types.read(candidate).kind == "string":
            return candidate
    if tails and tails[-1] in ("id", "ids"):
        return f"@{domain}/{tails[0].removesuffix('_id') if len(tails) > 1 else 'item'}"
    given = [schema.get("example"), schema.get("default"), *_list(schema.get("examples"))]
    plain = [v for v in given if isinstance(v, str) and v.strip() and len(v) < 40 and not _UNSAFE.search(v)]
    return "~" + "|".join(dict.fromkeys(v.strip() for v in plain)) if plain else _LABEL


def _tails(name: str) -> list[str]:
    """`departure_city`, `city`: the name and its endings, synonyms resolved."""
    parts = [_SYNONYMS.get(word, word) for word in words(name)]
    return ["_".join(parts[start:]) for start in range(len(parts))]


def _object(schema: dict[str, Any], domain: str, types: ValueTypes) -> str:
    members = {snake(n): part for n, part in list((schema.get("properties") or {}).items())[:_ATTRIBUTES]}
    inner = "; ".join(f"{name}:{guess(name, part, domain, types)}" for name, part in members.items())
    return "{" + inner + "}" if inner else _LABEL


def _thing(domain: str, spec: ToolSpec, types: ValueTypes) -> Thing:
    verb, noun = _verb_and_thing(spec.name)
    found: dict[str, Attribute] = {}
    for source in (spec.parameters, _row(spec.result)):
        for name, schema in (source.get("properties") or {}).items():
            plain = snake(name)
            if plain in _PAGING or plain in found or len(found) >= _ATTRIBUTES:
                continue
            found[plain] = Attribute(plain, guess(name, schema, domain, types))
    attributes = tuple(found.values()) or (Attribute("name", _LABEL),)
    return Thing(noun, (verb,), attributes)


def _row(result: Any, depth: int = 0) -> dict[str, Any]:
    """The schema of one entry of a result: what a list, or the only list of an object, holds."""
    if not isinstance(result, dict) or depth > 3:
        return {}
    if "items" in result:
        return _row(result["items"], depth + 1)
    parts = result.get("properties") or {}
    lists = [part for part in parts.values() if isinstance(part, dict) and "items" in part]
    return _row(lists[0], depth + 1) if len(lists) == 1 and len(parts) < 4 else result


def _described(document: ApiDocument) -> Thing:
    noun = " ".join(word for word in words(document.name) if word != "api") or "entry"
    attributes = (Attribute("query", "query"), Attribute("tag", "tag"), Attribute("date", "date"))
    return Thing(singular(noun), ("search", "get", "list"), attributes)


def _verb_and_thing(name: str) -> tuple[str, str]:
    parts = list(words(name))
    place = next((n for n, word in enumerate(parts[:2]) if _ALIASES.get(word, word) in BUILDERS), None)
    verb = "get" if place is None else _ALIASES.get(parts[place], parts[place])
    rest = [word for n, word in enumerate(parts) if n != place and word not in _JOINERS]
    single = list(dict.fromkeys(singular(word) for word in rest))
    return verb, " ".join(single[:3]) or "item"


def leaf_types(
    schema: Any, path: str, domain: str, types: ValueTypes, depth: int = 0
) -> Iterable[tuple[str, str]]:
    """Paths and types of the scalars of a schema."""
    if not isinstance(schema, dict) or depth > 6:
        return
    if isinstance(schema.get("properties"), dict):
        for name, part in schema["properties"].items():
            yield from leaf_types(part, f"{path}.{name}" if path else name, domain, types, depth + 1)
    elif "items" in schema:
        yield from leaf_types(schema["items"], path + "[]", domain, types, depth + 1)
    elif path:
        yield path, guess(re.split(r"\.", path)[-1].replace("[]", ""), schema, domain, types)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def toolbox() -> ApiDocument:
    """The recommender's own tools as a document."""
    from types import MethodType

    from tastemaker.tools.tool import Tool
    from tastemaker.tools.toolbox import NAMES, Toolbox

    specs = [Tool.from_function(MethodType(getattr(Toolbox, name), object()), name).spec for name in NAMES]
    typed = tuple(spec.model_copy(update={"result": {"type": "string"}}) for spec in specs)
    return ApiDocument(name="recommender toolbox", domain="recommender toolbox", tools=typed)
