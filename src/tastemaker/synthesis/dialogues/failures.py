"""Errors that a simulated tool gives back instead of a result, as real services word them.

Each says whether the same call would do later, and which changed arguments would do. Knows nothing of
dialogues.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.given import fits, is_number, kind_of, plain

KINDS: Final = ("retry", "repair", "tell")
"""Call again as it was; call with a changed argument; nothing to be done but to say so."""


@dataclass(frozen=True)
class Failure:
    """An error, and what can be done about it."""

    content: dict[str, Any]
    """What the tool gives back: an object with a member `error`."""
    reason: str
    """The error's message, as it stands in `content`."""
    retryable: bool = False
    """Whether the same call would do when it is made again."""
    repair: dict[str, Any] | None = None
    """Arguments that, changed to these values, make the call succeed; the values stand in `reason`."""


def failure(api: Api, arguments: dict[str, Any], rng: random.Random, kinds: Sequence[str] = KINDS) -> Failure:
    """An error for this call, of one of the kinds; `tell` where the arguments leave nothing to repair.

    An error of which the call can be made again is as likely as one of all others together.
    """
    weights = [{"retry": 2, "repair": 1, "tell": 1}[kind] for kind in kinds]
    kind = rng.choices(list(kinds), weights)[0]
    if kind == "repair":
        repaired = _repaired(api, arguments, rng)
        if repaired is not None:
            status, code, reason, change = repaired
            return Failure(_content(status, code, reason, rng), reason, repair=change)
        kind = "tell" if "tell" in kinds else "retry"
    if kind == "retry":
        status, code, reason = rng.choice(_PASSING)
        reason = reason.format(seconds=rng.choice((2, 3, 5, 10, 30)))
        return Failure(_content(status, code, reason, rng), reason, retryable=True)
    status, code, reason = _lasting(api, arguments, rng)
    return Failure(_content(status, code, reason, rng), reason)


def _content(status: int, code: str, reason: str, rng: random.Random) -> dict[str, Any]:
    made: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: {"error": {"code": status, "message": reason}},
        lambda: {"error": {"type": code, "message": reason}},
        lambda: {"error": code, "message": reason},
        lambda: {"error": reason},
        lambda: {"status": "error", "error": reason, "code": status},
        lambda: {"success": False, "error": {"code": code, "message": reason}},
    )
    return rng.choice(made)()


_PASSING = (
    (429, "rate_limited", "Too many requests, try again in {seconds} seconds."),
    (429, "rate_limited", "Rate limit reached. Retry after {seconds} s."),
    (503, "unavailable", "The service is temporarily unavailable, please retry."),
    (503, "unavailable", "The server is busy. Call again in {seconds} seconds."),
    (504, "timeout", "The request timed out, please try again."),
    (500, "internal_error", "An internal error occurred. Please retry the request."),
    (502, "bad_gateway", "No response from the upstream server, try again."),
    (409, "locked", "The record is locked by another request, retry in {seconds} seconds."),
)
_DENIED = (
    (403, "forbidden", "You do not have permission to {verb} this {thing}."),
    (403, "forbidden", "This account may not {verb} {thing} records."),
    (401, "unauthorized", "The access key has expired; the owner must renew it."),
    (402, "quota_exceeded", "The monthly quota of this account is used up."),
    (403, "plan_required", "This function is not part of the current plan."),
)
_MISSING = (
    (404, "not_found", "No {thing} found for {name} {value}."),
    (404, "not_found", "There is no {thing} with the {name} {value}."),
    (404, "not_found", "Unknown {name}: {value}."),
)
_PROSE = frozenset({"text", "comment", "notes", "reason"})


def _lasting(api: Api, arguments: dict[str, Any], rng: random.Random) -> tuple[int, str, str]:
    thing = api.path[0]
    names = [name for name, value in arguments.items() if isinstance(value, str) and len(value) < 40]
    names = [name for name in names if api.types.get(name, "")[:1] in "@~" or name.endswith(("name", "city"))]
    if names and rng.random() < 0.6:
        name = names[0]
        status, code, text = rng.choice(_MISSING)
        return status, code, text.format(thing=thing, name=_said(name), value=arguments[name])
    status, code, text = rng.choice(_DENIED)
    verb = {"get": "read", "list": "read", "search": "read"}.get(api.path[-1], "use")
    return status, code, text.format(thing=thing, verb=verb)


def _said(name: str) -> str:
    return plain(name).replace("_", " ").replace(" id", " ID")


def _repaired(
    api: Api, arguments: dict[str, Any], rng: random.Random
) -> tuple[int, str, str, dict[str, Any]] | None:
    """An argument that the service does not take, and the value that it would take."""
    properties = api.spec.parameters.get("properties", {})
    names = [name for name in arguments if name in properties]
    rng.shuffle(names)
    for name in names:
        value, schema = arguments[name], properties[name]
        other = _other(value, schema, api.types.get(name, ""), rng)
        if other is None or other == value or not fits(other, schema):
            continue
        text = rng.choice(_WRONG_NUMBER if is_number(value) else _WRONG_TEXT)
        if is_number(value):
            side = "at most" if other < value else "at least"
            reason = text.format(name=_said(name), value=value, other=other, side=side)
        else:
            reason = text.format(name=_said(name), value=value, other=other)
        return 422 if is_number(value) else 400, "invalid_argument", reason, {name: other}
    return None


_WRONG_NUMBER = (
    "The {name} {value} is not allowed here; it must be {side} {other}.",
    "Invalid {name}: {value}. Use {side} {other}.",
    "{value} is out of range for the {name}, which is {side} {other}.",
)
_WRONG_TEXT = (
    "The {name} '{value}' is not supported; use '{other}' instead.",
    "Invalid {name}: '{value}'. Did you mean '{other}'?",
    "Unknown {name} '{value}', the closest match is '{other}'.",
    "No data for the {name} '{value}'; try '{other}'.",
)


def _other(value: Any, schema: dict[str, Any], text: str, rng: random.Random) -> Any:
    if isinstance(value, bool) or text in _PROSE:
        return None
    if is_number(value):
        if abs(value) < 2:
            return None
        changed = value * rng.choice((0.5, 0.8, 1.5))
        return round(changed) if isinstance(value, int) else round(changed, 1)
    if not isinstance(value, str):
        return None
    kind = kind_of(text) if text else None
    choices = schema.get("enum") or (kind.examples if kind is not None else ())
    others = [choice for choice in choices if choice != value]
    return rng.choice(others) if others else None
