"""Which tools are offered together: the APIs of a pool by domain, area and what they return and need.

Tools that several dialogues share are drawn at once. No two of them do the same to the same thing, so that a
request for one is not a request for the other. Knows nothing of language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from tastemaker.synthesis.api import Api, is_nested
from tastemaker.synthesis.wording import words

_GROUPS = tuple(
    frozenset(group.split())
    for group in (
        "search list get recommend rank compare track available summarise explain export",
        "statistics history forecast estimate calculate check validate classify analyse detect",
        "create book order schedule generate upload start subscribe alert save pay send",
        "update control extend assign rate share message approve restore",
        "delete cancel stop block",
    )
)
"""Verbs that one request could mean alike."""
_OFTEN = {"calculate": 3.0, "estimate": 3.0, "convert": 3.0, "list": 0.5, "get": 0.7, "delete": 0.5}
"""How often a verb is drawn, against 1."""
_RELATED = 0.5
"""Share of the tools offered that come from the domain or area of the first."""


class Tools:
    """A pool of APIs to draw from. APIs without parameters are offered, never asked for."""

    def __init__(self, apis: Iterable[Api], *, nested: bool = True) -> None:
        by_domain: dict[str, list[Api]] = defaultdict(list)
        by_area: dict[str, set[str]] = defaultdict(set)
        for api in apis:
            if nested or not is_nested(api.spec.parameters):
                by_domain[api.domain].append(api)
                by_area[api.area].add(api.domain)
        self.domains = sorted(by_domain)
        self._by_domain = dict(by_domain)
        self._by_area = {area: sorted(domains) for area, domains in by_area.items()}
        self._weights = {
            domain: [_OFTEN.get(api.path[-1], 1.0) for api in apis] for domain, apis in by_domain.items()
        }

    def one(self, rng: Random, domain: str | None = None) -> Api:
        """An API of this domain, or of any, each domain alike."""
        domain = domain or rng.choice(self.domains)
        return rng.choices(self._by_domain[domain], self._weights[domain])[0]

    def several(self, n: int, rng: Random, start: Sequence[Api] = ()) -> list[Api]:
        """`n` APIs to be offered together, those of `start` among them, in any order. Fewer where the pool
        has no more.
        """
        chosen = list(start) or [self.one(rng)]
        for _ in range(20 * n):
            if len(chosen) >= n:
                break
            api = self.other(chosen[0], rng)
            if not any(alike(api, known) for known in chosen):
                chosen.append(api)
        rng.shuffle(chosen)
        return chosen

    def other(self, api: Api, rng: Random) -> Api:
        """Another API: of the same domain, of the same area or of any."""
        draw = rng.random()
        if draw < _RELATED * 0.6:
            return self.one(rng, api.domain)
        if draw < _RELATED:
            return self.one(rng, rng.choice(self._by_area[api.area]))
        return self.one(rng)

    def missing(self, offered: Sequence[Api], rng: Random) -> Api | None:
        """An API that none of the offered can stand for."""
        for _ in range(30):
            api = self.other(rng.choice(offered), rng)
            if api.types and not any(alike(api, known) or api.path == known.path for known in offered):
                return api
        return None

    def chain(self, rng: Random) -> tuple[Api, str, Api, str] | None:
        """Two APIs of a domain: the path of a returned value of the first, and the parameter of the second
        that takes it. None where a few tries found none.
        """
        for _ in range(12):
            domain = rng.choice(self.domains)
            second = self.one(rng, domain)
            wanted = {
                text: path
                for path, text in second.types.items()
                if text.startswith("@") and path in second.spec.parameters.get("required", ())
            }
            if not wanted:
                continue
            for _ in range(8):
                first = self.one(rng, domain)
                if first.path[-1] not in _GROUPS[0] or alike(first, second) or not first.types:
                    continue
                for path, text in first.returns.items():
                    if text in wanted and text not in first.types.values():
                        return first, path, second, wanted[text]
        return None


def alike(one: Api, other: Api) -> bool:
    """Whether a request for one could be meant for the other, or their names could be mixed up."""
    if words(one.spec.name) == words(other.spec.name):
        return True
    if one.domain != other.domain or one.path[0] != other.path[0]:
        return False
    return one.path[-1] == other.path[-1] or any(
        one.path[-1] in group and other.path[-1] in group for group in _GROUPS
    )
