"""APIs that change something: what each verb takes and gives back. See `functions`."""

from __future__ import annotations

from collections.abc import Callable

from tastemaker.synthesis.parts import contact, narrow, status
from tastemaker.synthesis.sheet import Sheet, record

Builder = Callable[[Sheet], str | None]


def _create(s: Sheet) -> str | None:
    chosen = s.some(2, 6)
    first = s.thing.attributes[0]
    if first not in chosen:
        chosen.insert(0, first)
    needed = s.rng.randint(1, min(4, len(chosen)))
    for place, a in enumerate(chosen):
        s.add_attribute(a, s.rng.choice(("{Noun} of the " + s.noun, "{Noun}")), required=place < needed)
    s.result = status(
        s, s.rng.choice(("created|rejected", "created|pending", "ok|failed")), ("created_at", "datetime")
    )
    return ""


def _update(s: Sheet) -> str | None:
    s.key()
    for place, a in enumerate(s.some(1, 4)):
        s.add_attribute(a, "New {noun} of the " + s.noun, required=place == 0 and s.rng.random() < 0.5)
    s.result = s.rng.choice((status(s, "updated|unchanged"), s.thing_schema(2, 4)))
    return "" if len(s.parameters) > 1 else None


def _end(states: str) -> Builder:
    def build(s: Sheet) -> str | None:
        s.key()
        if s.rng.random() < 0.5:
            s.add("reason", "reason", "Why.")
        if s.rng.random() < 0.3:
            s.add("notify", "bool", "Whether to tell everybody concerned.", default=False)
        s.result = status(s, states)
        return ""

    return build


def _book(s: Sheet) -> str | None:
    s.key()
    chosen = [a for a in s.some(1, 5) if a.name not in ("rating", "price", "fare")]
    for place, a in enumerate(chosen[:4]):
        s.add_attribute(a, s.rng.choice(("Wanted {noun}", "{Noun}")), required=place < 2)
    if not any(p in s.parameters for p in ("date", "departure_date", "check_in")):
        s.add("date", "date", s.describe("date", "date", "Date of the booking"), required=True)
    if s.rng.random() < 0.5:
        s.add(
            "name",
            "person",
            s.describe("name", "person", "Name for the booking"),
            required=s.rng.random() < 0.6,
        )
    s.result = status(s, "confirmed|waiting list|rejected", ("total_price", "amount"))
    return ""


def _order(s: Sheet) -> str | None:
    s.key()
    s.add("quantity", "1..20", "How many.", required=True)
    for a in s.some(0, 2, ("string",)):
        s.add_attribute(a, "Wanted {noun}")
    if s.rng.random() < 0.6:
        s.add("delivery_address", "street", "Where to deliver to.", required=s.rng.random() < 0.5)
    if s.rng.random() < 0.4:
        s.add("payment_method", "payment_method", "How to pay.", default="credit card")
    s.result = status(s, "accepted|out of stock", ("total", "amount"))
    return ""


def _subscribe(s: Sheet) -> str | None:
    for place, a in enumerate(s.some(1, 2)):
        narrow(s, a, required=place == 0)
    contact(s)
    if s.rng.random() < 0.7:
        s.add("frequency", "frequency", "How often to send news.", default="weekly")
    s.result = record(
        {
            "subscription_id": s.schema(
                "@" + s.domain.name + "/subscription", "Identifier of the subscription."
            ),
            "active": s.schema("bool", "Whether it is active."),
        }
    )
    return ""


def _alert(s: Sheet) -> str | None:
    numbers = s.numbers()
    if not numbers:
        return None
    a = s.rng.choice(numbers)
    metric = a.name.replace("_", " ")
    others = [b for b in s.thing.attributes if not s.type(b).is_number]
    if others:
        s.add_attribute(others[0], "{Noun} to watch", required=True)
    else:
        s.key()
    s.add(
        "threshold",
        a.type,
        s.describe("threshold", a.type, f"Value of the {metric} that sets it off"),
        required=True,
    )
    s.add("direction", "above|below", "On which side of the threshold.", required=s.rng.random() < 0.5)
    if s.rng.random() < 0.5:
        contact(s)
    s.result = record(
        {
            "alert_id": s.schema("@" + s.domain.name + "/alert", "Identifier of the alert."),
            "active": s.schema("bool", "Whether it is active."),
        }
    )
    return metric


def _schedule(s: Sheet) -> str | None:
    for place, a in enumerate([a for a in s.some(1, 4) if a.type not in ("date", "time", "datetime")]):
        s.add_attribute(a, "{Noun}", required=place < 2)
    if s.rng.random() < 0.5:
        s.add("date", "date", s.describe("date", "date", "Day"), required=True)
        s.add("time", "time", s.describe("time", "time", "Start"), required=True)
    else:
        s.add("start", "datetime", s.describe("start", "datetime", "Start"), required=True)
    if s.rng.random() < 0.4:
        s.add("duration", "duration", s.describe("duration", "duration", "Length"))
    s.result = status(s, "scheduled|conflict", ("starts_at", "datetime"))
    return ""


def _rate(s: Sheet) -> str | None:
    s.key()
    s.add("stars", "1..5", "Rating in stars, 5 is best.", required=True)
    s.add("comment", "comment", s.describe("comment", "comment", "What to say about it"))
    if s.rng.random() < 0.3:
        s.add("anonymous", "bool", "Whether to hide the author.", default=False)
    s.result = record(
        {
            "average_rating": s.schema("1.0..5.0", "Average of all ratings."),
            "ratings": s.schema("0..5000", "Number of ratings."),
        }
    )
    return ""


def _share(s: Sheet) -> str | None:
    s.key()
    s.add("recipients", "email[]", "Who gets it.", required=True)
    if s.rng.random() < 0.5:
        s.add("message", "comment", s.describe("message", "comment", "Words to go with it"))
    if s.rng.random() < 0.4:
        s.add("can_edit", "bool", "Whether recipients may change it.", default=False)
    s.result = record(
        {"link": s.schema("url", "Address of the shared copy."), "sent": s.schema("0..50", "Messages sent.")}
    )
    return ""


def _send(s: Sheet) -> str | None:
    for place, a in enumerate(s.some(2, 4)):
        s.add_attribute(a, "{Noun}", required=place < 2)
    s.result = status(s, "sent|queued|failed", ("sent_at", "datetime"))
    return "" if s.parameters else None


def _message(s: Sheet) -> str | None:
    s.key()
    s.add("message", "text", s.describe("message", "text", "What to write"), required=True)
    if s.rng.random() < 0.3:
        s.add("urgent", "bool", "Whether it is urgent.", default=False)
    s.result = status(s, "sent|failed")
    return ""


def _assign(s: Sheet) -> str | None:
    s.key()
    s.add("assignee", "person", s.describe("assignee", "person", "Who takes it"), required=True)
    if s.rng.random() < 0.4:
        s.add("due_date", "date", s.describe("due_date", "date", "When it is due"))
    if s.rng.random() < 0.3:
        s.add("priority", "priority", "How urgent it is.", default="medium")
    s.result = status(s, "assigned|rejected")
    return ""


def _generate(s: Sheet) -> str | None:
    for place, a in enumerate(s.some(2, 5)):
        s.add_attribute(a, s.rng.choice(("Wanted {noun}", "{Noun}")), required=place < 2)
    if s.rng.random() < 0.3:
        s.add("variants", "1..10", "How many variants to make.", default=1)
    s.result = s.thing_schema(3, 6)
    return "" if s.parameters else None


def _control(s: Sheet) -> str | None:
    s.key()
    for place, a in enumerate(a for a in s.some(1, 3) if a is not s.thing.attributes[0]):
        s.add_attribute(a, "{Noun} to set", required=place == 0 and s.rng.random() < 0.7)
    s.result = status(s, "done|failed|offline")
    return "" if len(s.parameters) > 1 else None


def _run(s: Sheet) -> str | None:
    if s.rng.random() < 0.5 or len(s.attributes) < 2:
        s.key()
    for place, a in enumerate(s.some(1, 3)):
        s.add_attribute(a, "{Noun}", required=place == 0)
    s.result = status(s, "started|queued|failed", ("started_at", "datetime"))
    return ""


def _stop(s: Sheet) -> str | None:
    s.key()
    if s.rng.random() < 0.4:
        s.add("force", "bool", "Whether to stop at once.", default=False)
    if s.rng.random() < 0.3:
        s.add("stop_at", "time", s.describe("stop_at", "time", "When to stop"))
    s.result = status(s, "stopped|not running")
    return ""


def _pay(s: Sheet) -> str | None:
    s.key()
    s.add("amount", "amount", s.describe("amount", "amount", "How much to pay"), required=True)
    s.add("currency", "currency", s.describe("currency", "currency"), required=s.rng.random() < 0.5)
    if s.rng.random() < 0.6:
        s.add("payment_method", "payment_method", "How to pay.", required=s.rng.random() < 0.5)
    s.result = status(s, "paid|declined", ("paid_at", "datetime"))
    return ""


ACTIONS: dict[str, Builder] = {
    "create": _create,
    "update": _update,
    "delete": _end("deleted|not found"),
    "cancel": _end("cancelled|too late|not found"),
    "book": _book,
    "order": _order,
    "subscribe": _subscribe,
    "alert": _alert,
    "schedule": _schedule,
    "rate": _rate,
    "share": _share,
    "send": _send,
    "message": _message,
    "assign": _assign,
    "approve": _end("approved|rejected"),
    "generate": _generate,
    "control": _control,
    "start": _run,
    "stop": _stop,
    "pay": _pay,
    "upload": _create,
    "save": _end("saved|already saved"),
    "block": _end("blocked|not found"),
    "extend": _stop,
    "restore": _end("restored|failed"),
    "convert": _generate,
}
"""By verb."""
