"""APIs that only tell something: what each verb takes and gives back. See `functions`."""

from __future__ import annotations

from collections.abc import Callable

from tastemaker.synthesis.context_tree import Attribute
from tastemaker.synthesis.parts import limit, listed, narrow, status
from tastemaker.synthesis.sheet import NAMING, Sheet, record

Builder = Callable[[Sheet], str | None]


def _search(s: Sheet) -> str | None:
    attributes = s.some(1, 4)
    if s.rng.random() < 0.25:
        s.add("query", "query", "Words to search for.", required=True)
    for place, a in enumerate(attributes):
        narrow(s, a, required=not s.required and place < 2)
    numbers = s.numbers()
    if len(numbers) > 1 and s.rng.random() < 0.35:
        s.add("sort_by", "|".join(a.name for a in numbers), "What to sort by.", default=numbers[0].name)
    if s.rng.random() < 0.5:
        limit(s)
    s.result = listed(s)
    return "" if s.parameters else None


def _list(s: Sheet) -> str | None:
    for a in s.some(0, 2):
        narrow(s, a, required=s.rng.random() < 0.4)
    if s.rng.random() < 0.6:
        limit(s)
    if s.rng.random() < 0.3:
        s.add("page", "1..20", "Page of the list, from 1.", default=1)
    s.result = listed(s)
    return ""


def _get(s: Sheet) -> str | None:
    s.key()
    names = [a.name for a in s.attributes if s.type(a).kind != "array"][:4]
    if len(names) > 1 and s.rng.random() < 0.3:
        s.add("fields", "|".join(names) + "[]", "Which details to return; all by default.")
    elif s.rng.random() < 0.25:
        s.add("language", "language_code", "Language of the answer.", default="en")
    elif s.rng.random() < 0.25:
        s.add("include_details", "bool", "Whether to return all details.", default=False)
    s.result = s.thing_schema(3, 6)
    return ""


def _compare(s: Sheet) -> str | None:
    numbers = s.numbers()
    s.key(many=True)
    if numbers:
        s.add(
            "criteria",
            "|".join(a.name for a in numbers) + "[]" if len(numbers) > 1 else f"{numbers[0].name}|overall",
            "What to compare by.",
            required=s.rng.random() < 0.4,
        )
    s.result = record(
        {
            "comparison": {"type": "array", "items": s.thing_schema()},
            "best": s.schema(s.thing.attributes[0].type, f"The best {s.noun}."),
        }
    )
    return ""


def _recommend(s: Sheet) -> str | None:
    if s.thing.attributes[0].name in NAMING and len(s.attributes) > 1:
        s.attributes = [a for a in s.attributes if a is not s.thing.attributes[0]]
    for place, a in enumerate(s.some(1, 4)):
        if s.type(a).is_number:
            narrow(s, a, required=False)
        else:
            s.add_attribute(a, s.rng.choice(("Preferred {noun}", "{Noun} that suits")), required=place == 0)
    limit(s)
    s.result = listed(s, "recommendations")
    return "" if len(s.parameters) > 1 else None


def _track(s: Sheet) -> str | None:
    s.key()
    if s.rng.random() < 0.4:
        s.add("include_history", "bool", "Whether to return earlier states.", default=False)
    if s.rng.random() < 0.25:
        s.add("since", "datetime", s.describe("since", "datetime", "Only changes after this moment"))
    more = [(a.name, a.type) for a in s.some(1, 3)]
    s.result = status(s, "pending|in progress|done|delayed", *more, ("updated_at", "datetime"))
    return ""


def _forecast(s: Sheet) -> str | None:
    numbers = s.numbers()
    if not numbers:
        return None
    a = s.rng.choice(numbers)
    metric = a.name.replace("_", " ")
    others = [b for b in s.attributes if b.name != a.name and s.type(b).kind == "string" and b.type != "date"]
    for place, b in enumerate(others[: s.rng.randint(1, 2)]):
        s.add_attribute(b, "{Noun}", required=place == 0)
    if not others:
        s.key()
    s.add(
        "horizon",
        s.rng.choice(("1..14 days", "1..12 months", "1..30 days")),
        "How far to look ahead.",
        required=s.rng.random() < 0.5,
    )
    if "horizon" in s.parameters and s.rng.random() < 0.4:
        s.add("interval", "interval", "Step of the forecast.", default="day")
    point = record(
        {"date": s.schema("date"), a.name: s.schema(a.type, s.describe(a.name, a.type, "Expected {noun}"))}
    )
    s.result = record({"forecast": {"type": "array", "items": point}})
    return metric


def _history(s: Sheet) -> str | None:
    numbers = s.numbers()
    a = s.rng.choice(numbers) if numbers else Attribute("value", "number")
    metric = a.name.replace("_", " ")
    s.key()
    s.add("start_date", "date", s.describe("start_date", "date", "First day"), required=True)
    s.add("end_date", "date", s.describe("end_date", "date", "Last day"), required=s.rng.random() < 0.6)
    if s.rng.random() < 0.5:
        s.add("interval", "interval", "Time between two values.", default="day")
    point = record({"time": s.schema("datetime"), a.name: s.schema(a.type, s.describe(a.name, a.type))})
    s.result = record({"history": {"type": "array", "items": point}})
    return metric


def _statistics(s: Sheet) -> str | None:
    numbers = s.numbers()
    groups = [
        a
        for a in s.thing.attributes
        if s.type(a).choices or a.type in ("city", "country", "weekday", "month")
    ]
    metrics = [a.name for a in numbers] or ["count"]
    metric = s.rng.choice(metrics)
    if len(metrics) > 1:
        s.add("metric", "|".join(metrics), "What to measure.", required=True)
    if groups:
        s.add(
            "group_by",
            "|".join(a.name for a in groups) if len(groups) > 1 else f"{groups[0].name}|none",
            "How to group the values.",
            required=s.rng.random() < 0.4,
        )
    for a in s.some(0, 1, ("string",)):
        narrow(s, a, required=False)
    if s.rng.random() < 0.6 or not s.parameters:
        s.add("start_date", "date", s.describe("start_date", "date", "First day"), required=True)
        s.add("end_date", "date", s.describe("end_date", "date", "Last day"), required=s.rng.random() < 0.7)
    row = record(
        {
            "group": s.schema("~north|2025|A", "The group."),
            "count": s.schema("0..5000"),
            "mean": s.schema("number"),
        }
    )
    s.result = record({"groups": {"type": "array", "items": row}})
    return "" if len(metrics) > 1 else metric.replace("_", " ")


def _rank(s: Sheet) -> str | None:
    numbers = s.numbers()
    if not numbers:
        return None
    a = s.rng.choice(numbers)
    for b in s.some(0, 2, ("string",)):
        narrow(s, b, required=s.rng.random() < 0.4)
    if len(numbers) > 1 and s.rng.random() < 0.6:
        s.add("rank_by", "|".join(b.name for b in numbers), "What to rank by.", required=True)
        metric = "the wanted measure"
    else:
        metric = a.name.replace("_", " ")
    s.add("order", "ascending|descending", "Which end comes first.", default="descending")
    s.add("top", "1..50", "How many to return.", required=s.rng.random() < 0.4)
    s.result = record({"ranking": {"type": "array", "items": s.thing_schema(2, 3)}})
    return metric


def _check(s: Sheet) -> str | None:
    for place, a in enumerate(s.some(1, 4)):
        s.add_attribute(a, s.rng.choice(("{Noun} to check", "{Noun}")), required=place < 2)
    if s.rng.random() < 0.4:
        s.add("strict", "bool", "Whether to report warnings as errors.", default=False)
    s.result = record(
        {"valid": s.schema("bool", "Whether all is well."), "problems": s.schema("text[]", "What is wrong.")}
    )
    return "" if s.parameters else None


def _available(s: Sheet) -> str | None:
    s.key()
    if s.rng.random() < 0.5:
        s.add("date", "date", s.describe("date", "date", "Day"), required=True)
    else:
        s.add("start_date", "date", s.describe("start_date", "date", "First day"), required=True)
        s.add("end_date", "date", s.describe("end_date", "date", "Last day"), required=True)
    for a in s.some(0, 2):
        if a.type not in ("date", "rating"):
            s.add_attribute(a, "Wanted {noun}")
    s.result = record(
        {
            "available": s.schema("bool", "Whether it is free."),
            "next_date": s.schema("date", "Next free day."),
        }
    )
    return ""


def _classify(s: Sheet) -> str | None:
    choices = [a for a in s.thing.attributes if s.type(a).choices]
    if not choices:
        return None
    target = s.rng.choice(choices)
    s.attributes = [a for a in s.attributes if a.name != target.name]
    for place, a in enumerate(s.some(1, 3)):
        s.add_attribute(a, "{Noun}", required=place == 0)
    if not s.parameters:
        return None
    if s.rng.random() < 0.3:
        s.add("threshold", "0.0..1.0", "Lowest confidence.", default=0.5)
    s.result = record(
        {
            target.name: s.schema(target.type, "The class."),
            "confidence": s.schema("0.0..1.0", "Confidence from 0 to 1."),
        }
    )
    return target.name.replace("_", " ")


def _summarise(s: Sheet) -> str | None:
    s.key()
    s.add("length", "short|medium|long", "Length of the summary.", default="short")
    if s.rng.random() < 0.5:
        s.add("language", "language_code", "Language of the summary.", default="en")
    if s.rng.random() < 0.3:
        s.add("bullet_points", "bool", "Whether to write a list.", default=False)
    s.result = record(
        {"summary": s.schema("text", "The summary."), "words": s.schema("10..500", "Its length.")}
    )
    return ""


def _translate(s: Sheet) -> str | None:
    s.key()
    s.add(
        "target_language",
        "language_code",
        s.describe("target_language", "language_code", "Language to translate to"),
        required=True,
    )
    if s.rng.random() < 0.5:
        s.add(
            "source_language",
            "language_code",
            s.describe("source_language", "language_code", "Language of the original"),
        )
    if s.rng.random() < 0.3:
        s.add("formality", "formal|informal", "Tone of the translation.", default="formal")
    s.result = record(
        {"translation": s.schema("text", "The translated text."), "language": s.schema("language_code")}
    )
    return ""


def _export(s: Sheet) -> str | None:
    for a in s.some(0, 2):
        narrow(s, a, required=False)
    if not s.parameters or s.rng.random() < 0.5:
        s.key()
    s.add("format", "file_format", "Format of the file.", required=s.rng.random() < 0.6)
    if s.rng.random() < 0.3:
        s.add("send_to", "email", s.describe("send_to", "email", "Where to send the file"))
    s.result = record(
        {"url": s.schema("url", "Where the file is."), "size": s.schema("1..5000 KB", "Its size.")}
    )
    return ""


def _estimate(s: Sheet) -> str | None:
    numbers = s.numbers()
    if not numbers:
        return None
    target = s.rng.choice(numbers)
    s.attributes = [a for a in s.attributes if a.name != target.name]
    for place, a in enumerate(s.some(2, 5)):
        s.add_attribute(a, "{Noun}", required=place < 2)
    if not s.parameters:
        return None
    kind = target.type
    s.result = record(
        {
            target.name: s.schema(kind, s.describe(target.name, kind, "Estimated {noun}")),
            "low": s.schema(kind),
            "high": s.schema(kind),
        }
    )
    return target.name.replace("_", " ")


def _explain(s: Sheet) -> str | None:
    s.key()
    s.add("level", "level", "For whom to explain.", default="beginner")
    if s.rng.random() < 0.4:
        s.add("language", "language_code", "Language of the answer.", default="en")
    s.result = record(
        {
            "explanation": s.schema("text", "The explanation."),
            "sources": s.schema("url[]", "Where it comes from."),
        }
    )
    return ""


def calculation(s: Sheet) -> str | None:
    """A calculation: its inputs, a few optional ones left out, and its outputs."""
    inputs = list(s.thing.attributes)
    optional = [a for a in inputs[1:] if s.type(a).choices or s.type(a).kind == "boolean" or a in inputs[3:]]
    for a in optional:
        if s.rng.random() < 0.25 and len(inputs) > 1:
            inputs.remove(a)
    for a in inputs:
        needed = a not in optional or (bool(s.type(a).choices) and s.rng.random() < 0.5)
        s.add_attribute(a, s.rng.choice(("{Noun}", "{Noun}", "The {noun}")), required=needed)
        choices = s.type(a).choices
        if not needed and choices and s.rng.random() < 0.6:
            s.parameters[a.name]["default"] = choices[0]
    outputs = list(s.thing.outputs)
    keep = outputs[: s.rng.randint(1, len(outputs))]
    if len(keep) == 1 and s.rng.random() < 0.3:
        s.result = s.schema(keep[0].type, s.describe(keep[0].name, keep[0].type))
    else:
        s.result = record({a.name: s.schema(a.type, s.describe(a.name, a.type)) for a in keep})
    return keep[0].name.replace("_", " ")


QUESTIONS: dict[str, Builder] = {
    "search": _search,
    "get": _get,
    "list": _list,
    "compare": _compare,
    "recommend": _recommend,
    "track": _track,
    "forecast": _forecast,
    "history": _history,
    "statistics": _statistics,
    "rank": _rank,
    "check": _check,
    "validate": _check,
    "available": _available,
    "classify": _classify,
    "summarise": _summarise,
    "translate": _translate,
    "export": _export,
    "calculate": _estimate,
    "estimate": _estimate,
    "explain": _explain,
    "detect": _check,
    "analyse": _explain,
}
"""By verb."""
