"""The data card of a set of dialogues: what is in it, what was rejected and why, and how to make it again.

It stands beside the set as `<set>.card.json` and, to be read, as `<set>.card.md`. Knows nothing of where a
set comes from: that is in the settings that it is given.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from tastemaker.records import VERSION, ToolSpec, Trajectory
from tastemaker.runs import write_whole
from tastemaker.synthesis.blocks import card_of

LICENCE: Final = "Apache-2.0, as the program that made it; values are made up, likeness to anyone is chance."

_DOMAINS = 20
"""Domains that are named."""
_SIZES = (128, 256, 512, 1024, 2048, 4096)
_PIECE = re.compile(r"\w+|[^\w\s]")
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", dict: "object"}

CountTokens = Callable[[str], int]


def words_and_marks(text: str) -> int:
    """Tokens, estimated without a tokenizer.

    >>> words_and_marks('{"city": "Lund"}')
    9
    """
    return sum(1 for _ in _PIECE.finditer(text))


class Facts(NamedTuple):
    """What a card counts of one dialogue."""

    kind: str
    domains: tuple[str, ...]
    tools: tuple[str, ...]
    """Names of those offered."""
    calls: int
    turns: int
    types: tuple[str, ...]
    """JSON types of all arguments."""
    tokens: int
    """Of messages, calls and offered tools."""


def facts(trajectory: Trajectory, count_tokens: CountTokens = words_and_marks) -> Facts:
    """Kind and domain are those of the task's inputs (`kind`; `domain`, a text or a list of them)."""
    calls = [call for message in trajectory.messages for call in message.calls]
    inputs = trajectory.task.inputs
    domains = inputs.get("domain", "unknown")
    tokens = sum(_tool_tokens(spec, count_tokens) for spec in trajectory.tools)
    tokens += sum(count_tokens(message.text) for message in trajectory.messages)
    tokens += sum(count_tokens(call.name) + count_tokens(_json(call.arguments)) for call in calls)
    return Facts(
        kind=str(inputs.get("kind", "unknown")),
        domains=tuple(map(str, domains)) if isinstance(domains, list) else (str(domains),),
        tools=tuple(spec.name for spec in trajectory.tools),
        calls=len(calls),
        turns=sum(message.role == "user" for message in trajectory.messages),
        types=tuple(_type(value) for call in calls for value in call.arguments.values()),
        tokens=tokens,
    )


class Statistics:
    """Counts and means of a set, added up dialogue by dialogue."""

    def __init__(self, counted_by: str = "words and marks") -> None:
        self._counted_by = counted_by
        names = ("kind", "domain", "tools offered", "calls", "turns", "types", "tokens")
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        self._sums: Counter[str] = Counter()
        self._longest = 0
        self._tools: set[str] = set()

    def add(self, one: Facts) -> None:
        counts, sums = self._counts, self._sums
        counts["kind"][one.kind] += 1
        counts["domain"].update(set(one.domains))
        counts["types"].update(one.types)
        counts["tokens"][_size(one.tokens)] += 1
        for name, number in (("tools offered", len(one.tools)), ("calls", one.calls), ("turns", one.turns)):
            counts[name][str(number)] += 1
            sums[name] += number
        sums["dialogues"] += 1
        sums["tokens"] += one.tokens
        self._longest = max(self._longest, one.tokens)
        self._tools.update(one.tools)

    def summary(self) -> dict[str, Any]:
        """As it stands in a card."""
        counts, sums = self._counts, self._sums
        total = max(1, sums["dialogues"])
        return {
            "dialogues": sums["dialogues"],
            "format": f"trajectories of version {VERSION}",
            "kinds": _largest_first(counts["kind"]),
            "domains": len(counts["domain"]),
            "largest domains": dict(list(_largest_first(counts["domain"]).items())[:_DOMAINS]),
            "distinct tools": len(self._tools),
            **{
                name: {"mean": sums[name] / total, "dialogues": _by_number(counts[name])}
                for name in ("tools offered", "calls", "turns")
            },
            "argument types": _largest_first(counts["types"]),
            "tokens": {
                "counted by": self._counted_by,
                "sum": sums["tokens"],
                "mean": sums["tokens"] / total,
                "most": self._longest,
                "dialogues": {size: counts["tokens"][size] for size in map(_name, (*_SIZES, None))},
            },
        }


def statistics(trajectories: Iterable[Trajectory], count_tokens: CountTokens | None = None) -> dict[str, Any]:
    """The summary of a set in one pass. Tokens without a tokenizer: words and marks."""
    found = Statistics("a tokenizer" if count_tokens else "words and marks")
    for trajectory in trajectories:
        found.add(facts(trajectory, count_tokens or words_and_marks))
    return found.summary()


def _tool_tokens(spec: ToolSpec, count: CountTokens) -> int:
    return _tokens_of(_json([spec.name, spec.description, spec.parameters]), count)


@lru_cache(maxsize=10_000)
def _tokens_of(told: str, count: CountTokens) -> int:
    """Tools come again and again."""
    return count(told)


def rejections(path: Path) -> dict[str, Any]:
    """How many dialogues a file of rejected ones holds, and how many by each rule; some break several."""
    total, rules = 0, Counter[str]()
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            rules.update({fault["rule"] for fault in json.loads(line)["faults"]})
            total += 1
    return {"dialogues": total, "by rule": _largest_first(rules)}


def write_card(out: Path, card: Mapping[str, Any]) -> None:
    """Write the card beside the set, as JSON and as Markdown."""
    write_whole(out.with_name(out.name + ".card.md"), as_markdown(out.name, card))
    write_whole(card_of(out), json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def as_markdown(name: str, card: Mapping[str, Any]) -> str:
    """The card as a page to read."""
    figures = card["statistics"]
    lines = [f"# Data card: {name}", "", f"{figures['dialogues']:,} dialogues, {figures['format']}."]
    about = {key: value for key, value in card.items() if isinstance(value, str)} | card.get("settings", {})
    lines += ["", "## How it was made", "", *_table(("setting", "value"), about)]
    lines += ["", "## Kinds", "", *_table(("kind", "dialogues"), figures["kinds"])]
    lines += ["", f"## Domains: {figures['domains']:,}", ""]
    lines += _table(("largest", "dialogues"), figures["largest domains"])
    lines += ["", f"## Tools: {figures['distinct tools']:,} distinct"]
    for what in ("tools offered", "calls", "turns"):
        each = figures[what]
        lines += ["", f"### {what.capitalize()}: {each['mean']:.2f} on average", ""]
        lines += _table((what, "dialogues"), each["dialogues"])
    lines += ["", "## Arguments", "", *_table(("JSON type", "arguments"), figures["argument types"])]
    tokens = figures["tokens"]
    lines += ["", f"## Tokens: {tokens['sum']:,}", ""]
    lines += [
        f"Counted by {tokens['counted by']}: {tokens['mean']:.0f} on average, {tokens['most']:,} at most.",
        "",
    ]
    lines += _table(("tokens", "dialogues"), tokens["dialogues"])
    if (rejected := card.get("rejected")) is not None:
        lines += ["", f"## Rejected: {rejected['dialogues']:,}", ""]
        lines += _table(("rule", "dialogues"), rejected["by rule"])
    lines += ["", "## Overlap with BFCL", "", *_contamination(card.get("contamination"))]
    return "\n".join(lines) + "\n"


def _contamination(found: Any) -> list[str]:
    if not isinstance(found, dict):
        return ["Not checked."]
    return [
        "| kind | looked at | in BFCL too |",
        "|---|---|---|",
        *(f"| {kind} | {each['of']:,} | {each['found']:,} |" for kind, each in found.items()),
    ]


def _table(head: tuple[str, str], rows: Mapping[str, Any]) -> list[str]:
    told = [f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items()]
    return [f"| {head[0]} | {head[1]} |", "|---|---|", *told]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{key} {inner}" for key, inner in value.items())
    shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return " ".join(shown.replace("|", "\\|").split())


def _type(value: Any) -> str:
    if not isinstance(value, list):
        return _TYPES[type(value)]
    inner = sorted({_type(entry).partition(" ")[0] for entry in value})
    return f"list of {inner[0] if len(inner) == 1 else 'mixed' if inner else 'nothing'}"


def _name(size: int | None) -> str:
    return f"up to {size}" if size else f"over {_SIZES[-1]}"


def _size(tokens: int) -> str:
    return _name(next((size for size in _SIZES if tokens <= size), None))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _by_number(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: int(entry[0])))


def _largest_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
