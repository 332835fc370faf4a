"""The API context tree: areas, domains, the things of a domain, what can be done with them, and what they are
described by (ToolACE, arXiv 2409.00920, section 2.1: speciation).

In a file, TOML or JSON, a tree is `area → domain → thing → [verbs, attributes]`. Verbs are words of
`functions.VERBS` or of a group; attributes are written as in `value_types`, and after `->` come those that a
calculation gives back. The domain `*` holds things that every domain of its area has too (`{} review` becomes
`hotel review`); the area `_types` holds named types. `default_tree()` is the tree that ships with the
package. Knows nothing of how tools are made from it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError
from tastemaker.runs import toml, write_whole
from tastemaker.synthesis.value_types import ValueTypes, attributes

TYPES = "_types"
SHARED = "*"

GROUPS: dict[str, tuple[str, ...]] = {
    "shop": ("search", "get", "compare", "recommend"),
    "browse": ("search", "get", "list"),
    "manage": ("create", "get", "update", "delete", "list"),
    "data": ("get", "history", "statistics", "forecast", "alert"),
}
"""Words that stand for several verbs."""


@dataclass(frozen=True)
class Attribute:
    """What a thing is described by: a name in snake_case and a value type's text."""

    name: str
    type: str


@dataclass(frozen=True)
class Thing:
    """What a domain is about. With `outputs` it is a calculation from the attributes to them."""

    name: str
    verbs: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    outputs: tuple[Attribute, ...] = ()


@dataclass(frozen=True)
class Domain:
    """One domain; `things` in the order of the file."""

    area: str
    name: str
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class ContextTree:
    """Domains by name, and the named value types."""

    domains: Mapping[str, Domain]
    types: ValueTypes = field(default_factory=ValueTypes)

    @property
    def areas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(domain.area for domain in self.domains.values()))

    def merge(self, other: ContextTree) -> ContextTree:
        """Both trees. A domain that both have gets the things of both; attributes and verbs of a thing that
        both have are joined; of two named types of one name, ours stays."""
        domains = dict(self.domains)
        for name, theirs in other.domains.items():
            ours = domains.get(name)
            things = join_things((*ours.things, *theirs.things) if ours else theirs.things)
            domains[name] = Domain(ours.area if ours else theirs.area, name, things)
        return ContextTree(domains, ValueTypes({**other.types.named, **self.types.named}))

    def as_table(self) -> dict[str, Any]:
        """The tree as its files have it, shared things written out."""
        table: dict[str, Any] = {TYPES: dict(self.types.named)} if self.types.named else {}
        for domain in self.domains.values():
            things = {thing.name: [" ".join(thing.verbs), _attributes_text(thing)] for thing in domain.things}
            table.setdefault(domain.area, {})[domain.name] = things
        return table

    def save(self, path: Path) -> None:
        """Write a `.toml` or `.json` file."""
        table = self.as_table()
        text = (
            toml(table) if path.suffix == ".toml" else json.dumps(table, ensure_ascii=False, indent=1) + "\n"
        )
        write_whole(path, text)


def join_things(things: Iterable[Thing]) -> tuple[Thing, ...]:
    """Things of one name made one."""
    joined: dict[str, Thing] = {}
    for thing in things:
        old = joined.get(thing.name)
        if old is not None:
            known = {a.name for a in old.attributes}
            more = tuple(a for a in thing.attributes if a.name not in known)
            verbs = tuple(dict.fromkeys((*old.verbs, *thing.verbs)))
            thing = Thing(old.name, verbs, old.attributes + more, old.outputs or thing.outputs)
        joined[thing.name] = thing
    return tuple(joined.values())


def read_tree(tables: Iterable[tuple[str, Mapping[str, Any]]]) -> ContextTree:
    """A tree from tables with the names of their places. Raises InputError with the place of a mistake."""
    named: dict[str, Any] = {}
    domains: dict[str, Domain] = {}
    tables = list(tables)
    for _, table in tables:
        named.update(table.get(TYPES, {}))
    types = ValueTypes(named)
    for place, table in tables:
        for area, inner in table.items():
            if area == TYPES:
                continue
            if not isinstance(inner, Mapping):
                raise InputError(f"{place}: {area}: must hold domains")
            shared = inner.get(SHARED, {})
            for name, things in inner.items():
                if name == SHARED:
                    continue
                if name in domains:
                    raise InputError(f"{place}: the domain {name!r} stands twice")
                if not isinstance(things, Mapping) or not things:
                    raise InputError(f"{place}: {area}: {name}: must hold things")
                noun = next(iter(things))
                whole = {**things, **{key.replace("{}", noun): entry for key, entry in shared.items()}}
                where = f"{place}: {area}: {name}"
                read = tuple(_thing(where, name, key, entry, types) for key, entry in whole.items())
                domains[name] = Domain(area, name, read)
    return ContextTree(domains, types)


def load_tree(path: Path) -> ContextTree:
    """The tree of one `.toml` or `.json` file."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no context tree: {' '.join(str(error).split())}") from None
    if not isinstance(table, dict):
        raise InputError(f"{path}: no context tree: write areas, domains and things")
    return read_tree([(str(path), table)])


def default_tree() -> ContextTree:
    """The tree that ships with the package."""
    files = sorted(
        (
            file
            for file in resources.files(__package__).joinpath("seed").iterdir()
            if file.name[-5:] == ".toml"
        ),
        key=lambda file: file.name,
    )
    return read_tree((file.name, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files)


def _thing(where: str, domain: str, name: str, entry: Any, types: ValueTypes) -> Thing:
    if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, str) for part in entry)):
        raise InputError(f"{where}: {name}: write [verbs, attributes]")
    verbs = tuple(dict.fromkeys(v for word in entry[0].split() for v in GROUPS.get(word, (word,))))
    before, _, after = entry[1].partition(" -> ") if " -> " in entry[1] else (entry[1], "", "")
    try:
        found = tuple(Attribute(*pair) for pair in attributes(before))
        outputs = tuple(Attribute(*pair) for pair in attributes(after))
        for attribute in (*found, *outputs):
            types.read(attribute.type)
    except InputError as error:
        raise InputError(f"{where}: {name}: {error}") from None
    if not found or not verbs:
        raise InputError(f"{where}: {name}: at least one verb and one attribute")
    return Thing(name, verbs, found, outputs)


def _attributes_text(thing: Thing) -> str:
    sides = [
        "; ".join(a.name if a.name == a.type else f"{a.name}:{a.type}" for a in side)
        for side in (thing.attributes, thing.outputs)
    ]
    return " -> ".join(side for side in sides if side)
