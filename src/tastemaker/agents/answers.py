"""The final calls of agents, typed: a ranking (as a list or by scores), a rating, an analysis, a verdict, a
plan.

Each is an `Answer` of the loop. Whatever a model gives, `parse` returns a right answer or raises
ToolError with a reason that the model can act on; nothing else. Knows nothing of labels: a ranking is
right when its ids are distinct and were offered, a rating when it lies on the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tastemaker.errors import ToolError
from tastemaker.records import ToolSpec, canonical
from tastemaker.tools.request import clean

CHANGES = {"keep": 0.0, "a little higher": 0.1, "a little lower": -0.1, "higher": 0.25, "lower": -0.25}
"""By how much a predicted rating may be changed, on a scale of four steps: less than a good tool is wrong."""
PLACED = 10
"""Items of a long ranking that a model places itself; the others follow in the order of a tool."""
REASON = 120
SUMMARY = 160
"""Longest reason and summary, in characters; what is longer is cut."""


def pool(n: int) -> int:
    """How many items to choose a ranking of `n` from: half as many again."""
    return n + (n + 1) // 2


Pending = Callable[[], tuple[str, ...]]
"""Names of the tools that still have to be called before an answer may be given."""


@dataclass(frozen=True)
class Manner:
    """How a role answers, whatever the answer is."""

    pending: Pending = tuple
    """Tools that have to be called first; none by default."""
    opening: str = ""
    """How its sentence begins."""
    question: str = ""
    """What it is asked when it may answer."""

    def needs(self, source: str, lacking: bool) -> tuple[str, ...]:
        """What is pending, and the tool `source` where what it gives is lacking."""
        pending = self.pending()
        return (*pending, source) if lacking and source not in pending else pending


PLAIN = Manner()


class MannerAnswer:
    """What answers have in common that need nothing but the tools of their manner."""

    def __init__(self, manner: Manner = PLAIN) -> None:
        self._manner = manner
        self.question = manner.question

    @property
    def needs(self) -> tuple[str, ...]:
        return self._manner.pending()


class RankingAnswer:
    """Exactly `n` distinct ids out of `offered`, best first, and a reason: `{"ids": […], "reason": "…"}`.

    Where there is a `rest`, a list of ids best first, it follows the model's own, up to `total` in all.
    `offered` is read anew at every request and grows as tools show items; until it holds `n` of them the tool
    `source` is needed.
    """

    def __init__(
        self,
        offered: Collection[str],
        n: int,
        manner: Manner = PLAIN,
        source: str = "retrieve",
        rest: Callable[[], Sequence[str]] = tuple,
        total: int = 0,
    ) -> None:
        self._rest_of = rest
        self._total = total
        self._offered = offered
        self._n = n
        self._manner = manner
        self._source = source
        self.question = manner.question

    @property
    def needs(self) -> tuple[str, ...]:
        return self._manner.needs(self._source, len(self._offered) < self._n)

    def spec(self) -> ToolSpec:
        ids = {"type": "array", "items": {"type": "string", "enum": list(self._offered)}, "uniqueItems": True}
        return ToolSpec(
            name="recommend",
            description=f"The final answer: {self._n} different ids, best first, and why.",
            parameters=object_schema(
                {
                    "reason": text_schema(REASON, self._manner),
                    "ids": ids | {"minItems": self._n, "maxItems": self._n},
                }
            ),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = arguments.get("ids")
        if not isinstance(given, list):
            raise ToolError(f"ids must be a list of {self._n} ids, not {shown(given)}")
        ids = [str(id) if isinstance(id, int) and not isinstance(id, bool) else id for id in given]
        wrong = [id for id in ids if not (isinstance(id, str) and id in self._offered)]
        if wrong:
            raise ToolError(f"not offered: {', '.join(map(shown, wrong[:5]))}; {self._rest(ids)}")
        twice = list(dict.fromkeys(id for id in ids if ids.count(id) > 1))
        if twice:
            raise ToolError(f"given more than once: {', '.join(twice[:5])}; {self._rest(ids)}")
        if len(ids) != self._n:
            raise ToolError(f"{len(ids)} ids given, {self._n} needed; {self._rest(ids)}")
        return self._ranking(ids, arguments)

    def _ranking(self, ids: list[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The model's ids, and what follows them."""
        following = [id for id in self._rest_of() if id not in ids]
        return {"ids": (ids + following)[: max(self._n, self._total)], "reason": reason_of(arguments)}

    def _rest(self, ids: list[Any]) -> str:
        rest = [id for id in self._offered if id not in ids][: self._n]
        return f"also offered: {', '.join(rest)}" if rest else "nothing else is offered"


class ScoringAnswer(RankingAnswer):
    """The best `n` of what is offered, by a score from 1 to 5 for each: `{"ids": […], "reason": "…"}`.

    The model gives `{"reason": "…", "scores": {id: 4, …}}` for the first `pool(n)` ids, those that a tool
    ranked (`rest`) before others on offer; equal scores keep that order. A model whose output is constrained
    to the schema cannot give a wrong ranking this way, as it can with a list of ids, which no schema keeps
    distinct. (Scores by place, without ids, take a third of the tokens, but an untrained SmolLM2 then counts
    1, 2, 3, 4, 5.)
    """

    def spec(self) -> ToolSpec:
        score = {"type": "integer", "minimum": 1, "maximum": 5}
        scores = object_schema({id: score for id in self._scored()})
        return ToolSpec(
            name="recommend",
            description="The final answer: why, and how well each item fits the user, 1 (badly) to 5 (well).",
            parameters=object_schema({"reason": text_schema(REASON, self._manner), "scores": scores}),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        scores = arguments.get("scores")
        if not isinstance(scores, Mapping):
            raise ToolError(f"scores must give each id a number from 1 to 5, not {shown(scores)}")
        ids = self._scored()
        if other := [id for id in scores if id not in ids]:
            raise ToolError(f"not to be scored: {', '.join(map(shown, other[:5]))}")
        if missing := [id for id in ids if id not in scores]:
            raise ToolError(f"no score for {', '.join(missing[:20])}")
        for id, score in scores.items():
            if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
                raise ToolError(f"the score of {id} must be a whole number from 1 to 5, not {shown(score)}")
        return self._ranking(sorted(ids, key=lambda id: -scores[id])[: self._n], arguments)

    def _scored(self) -> list[str]:
        first = [id for id in self._rest_of() if id in self._offered]
        return list(dict.fromkeys((*first, *self._offered)))[: pool(self._n)]


class RatingAnswer:
    """A finite number within `scale`, ends included, and a reason: `{"rating": 3.5, "reason": "…"}`."""

    def __init__(self, scale: tuple[float, float], manner: Manner = PLAIN) -> None:
        self._low, self._high = scale
        self._manner = manner
        self.question = manner.question

    @property
    def needs(self) -> tuple[str, ...]:
        return self._manner.pending()

    def spec(self) -> ToolSpec:
        rating = {"type": "number", "minimum": self._low, "maximum": self._high}
        return ToolSpec(
            name="rate",
            description="The final answer: the rating, and why.",
            parameters=object_schema({"reason": text_schema(REASON, self._manner), "rating": rating}),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        rating = arguments.get("rating")
        number = isinstance(rating, int | float) and not isinstance(rating, bool)
        if not number or not self._low <= rating <= self._high:  # type: ignore[operator]
            raise ToolError(
                f"rating must be a number from {self._low:g} to {self._high:g}, not {shown(rating)}"
            )
        return {"rating": float(rating), "reason": reason_of(arguments)}  # type: ignore[arg-type]


class ChangeAnswer(RatingAnswer):
    """The rating that a tool predicted, kept or changed: `{"rating": 3.7, "reason": "…"}`.

    The model gives `{"reason": "…", "change": "keep"}`. `predicted` holds what tools predicted, the latest
    last; until it holds anything the tool `source` is needed.
    """

    def __init__(
        self,
        scale: tuple[float, float],
        predicted: Mapping[str, float],
        manner: Manner = PLAIN,
        source: str = "predict_rating",
    ) -> None:
        super().__init__(scale, manner)
        self._predicted = predicted
        self._source = source

    @property
    def needs(self) -> tuple[str, ...]:
        return self._manner.needs(self._source, not self._predicted)

    def spec(self) -> ToolSpec:
        change = {"type": "string", "enum": list(CHANGES)}
        return ToolSpec(
            name="rate",
            description="The final answer: why, and whether to keep or change the predicted rating.",
            parameters=object_schema({"reason": text_schema(REASON, self._manner), "change": change}),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        change = arguments.get("change")
        if not (isinstance(change, str) and change in CHANGES):
            raise ToolError(f"change must be one of {', '.join(CHANGES)}, not {shown(change)}")
        if not self._predicted:
            raise ToolError(f"no rating was predicted yet; call {self._source} first")
        rating = list(self._predicted.values())[-1] + CHANGES[change]
        return {"rating": min(max(rating, self._low), self._high), "reason": reason_of(arguments)}


class AnalysisAnswer(MannerAnswer):
    """A summary that is not empty: `{"summary": "…"}`."""

    def spec(self) -> ToolSpec:
        return ToolSpec(
            name="report",
            description="The final answer: the analysis in one sentence.",
            parameters=object_schema({"summary": text_schema(SUMMARY, self._manner)}),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        summary = arguments.get("summary")
        if not isinstance(summary, str) or not summary.strip():
            raise ToolError(f"summary must be a text of 1 to {SUMMARY} characters, not {shown(summary)}")
        return {"summary": clean(summary.strip())[:SUMMARY]}


class VerdictAnswer:
    """Whether an answer is right, and why: `{"correct": true, "reason": "…"}`."""

    def __init__(self, manner: Manner = PLAIN) -> None:
        self._manner = manner
        self.question = manner.question
        self.needs: tuple[str, ...] = ()

    def spec(self) -> ToolSpec:
        return ToolSpec(
            name="judge",
            description="The final answer: why the answer is right or wrong, and whether it is right.",
            parameters=object_schema(
                {"reason": text_schema(REASON, self._manner), "correct": {"type": "boolean"}}
            ),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        correct = arguments.get("correct")
        if not isinstance(correct, bool):
            raise ToolError(f"correct must be true or false, not {shown(correct)}")
        return {"correct": correct, "reason": reason_of(arguments)}


class PlanAnswer:
    """Names of tools, each once, in the order in which they are to be called: `{"tools": ["…"]}`."""

    def __init__(self, tools: Sequence[ToolSpec], manner: Manner = PLAIN) -> None:
        self._tools = {tool.name: tool.description for tool in tools}
        self.question = manner.question
        self.needs: tuple[str, ...] = ()

    def spec(self) -> ToolSpec:
        names = {"type": "array", "items": {"type": "string", "enum": list(self._tools)}}
        told = "; ".join(f"{name}: {what}" for name, what in self._tools.items())
        return ToolSpec(
            name="plan",
            description=f"The final answer: which tools to call, in order. {told}",
            parameters=object_schema({"tools": names | {"minItems": 1, "maxItems": len(self._tools)}}),
        )

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = arguments.get("tools")
        if not isinstance(given, list) or not given:
            raise ToolError(f"tools must be a list of names, not {shown(given)}")
        if wrong := [name for name in given if not (isinstance(name, str) and name in self._tools)]:
            raise ToolError(
                f"no tool: {', '.join(map(shown, wrong[:5]))}; there are {', '.join(self._tools)}"
            )
        return {"tools": list(dict.fromkeys(given))}


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def text_schema(longest: int, manner: Manner) -> dict[str, Any]:
    """A text; with an opening one plain sentence that begins so. The pattern guides decoding and is not
    checked: a text is not wrong for its form."""
    sentence = {"pattern": rf"^{manner.opening}[a-zA-Z0-9 ',-]*\.$"} if manner.opening else {}
    return {"type": "string", "maxLength": longest} | sentence


def reason_of(arguments: Mapping[str, Any]) -> str:
    """The reason, empty where none was given: an answer is not wrong for want of it."""
    reason = arguments.get("reason")
    return clean(" ".join(reason.split()))[:REASON] if isinstance(reason, str) else ""


def shown(value: Any) -> str:
    """The value as JSON, cut to what a message needs."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        text = canonical(value)
    except (TypeError, ValueError):
        text = type(value).__name__
    return clean(text if len(text) <= 40 else text[:39] + "…")
