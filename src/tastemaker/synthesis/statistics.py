"""What a pool of APIs covers, in figures that stand beside those of ToolACE (arXiv 2409.00920, table 1).

| figure | the share of APIs … |
|---|---|
| nested | with a parameter that is an object, a list of objects or a list of lists |
| parallel | with a required plain parameter, so that one request can ask for it for several values |
| dependent | with a parameter whose type (identifier, domain's own text) another API of its domain returns |
| multi-type | whose parameters have at least two JSON types |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tastemaker.synthesis.api import Api, is_nested

TOOLACE: dict[str, Any] = {"pool": "ToolACE (paper)", "APIs": 26507, "domains": 390}
"""As published; the paper says of the four kinds only that they occur."""


def statistics(apis: Iterable[Api]) -> dict[str, Any]:
    """Counts, shares (0 to 1) and means of a pool, in one pass."""
    counts: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    domains: set[str] = set()
    names: set[str] = set()
    given: Counter[tuple[str, str]] = Counter()
    taken: list[tuple[str, frozenset[str], frozenset[str]]] = []
    for api in apis:
        properties = api.spec.parameters.get("properties", {})
        required = set(api.spec.parameters.get("required", ()))
        counts["APIs"] += 1
        counts["parameters"] += len(properties)
        counts["required"] += len(required)
        counts["nested"] += is_nested(api.spec.parameters)
        counts["parallel"] += any(
            properties[name].get("type") in ("string", "integer", "number")
            for name in required
            if name in properties
        )
        counts["multi-type"] += len({str(part.get("type")) for part in properties.values()}) > 1
        counts["evolved"] += bool(api.lineage.steps)
        counts["without parameters"] += not properties
        areas[api.area] += 1
        steps.update(set(api.lineage.steps))
        domains.add(api.domain)
        names.add(api.spec.name)
        returned = frozenset(text for text in api.returns.values() if text.startswith(("@", "~")))
        given.update((api.domain, text) for text in returned)
        wanted = frozenset(
            text.removesuffix("[]") for text in api.types.values() if text.startswith(("@", "~"))
        )
        taken.append((api.domain, wanted, returned))
    for domain, wanted, returned in taken:
        counts["dependent"] += any(given[domain, text] > (text in returned) for text in wanted)
    total = max(1, counts["APIs"])
    shares = ("nested", "parallel", "dependent", "multi-type", "evolved", "without parameters")
    return {
        "APIs": counts["APIs"],
        "domains": len(domains),
        "areas": len(areas),
        "distinct names": len(names),
        **{share: counts[share] / total for share in shares},
        "parameters per API": counts["parameters"] / total,
        "required per API": counts["required"] / total,
        "steps": dict(sorted(steps.items())),
        "by area": dict(sorted(areas.items())),
    }
