"""Good dialogues to measure the rules with: varied, drawn under a seed from a few tools written by hand.

They are no training data: their only use is to have defects planted into them (`mutations`), and to be
accepted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory

KINDS: Final = ("single", "parallel", "dependent", "clarification", "recovery", "no tool")


def _tool(name: str, description: str, required: str, result: dict[str, Any], **properties: Any) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={"type": "object", "properties": properties, "required": required.split()},
        result={"type": "object", "properties": result, "required": list(result)},
    )


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_PORTS = ("Stavanger", "Ullapool", "Bodø", "Heraklion", "Kirkwall")
_STATIONS = ("Saint-Malo", "Galway", "Nouméa", "Whitby")
_INSTRUMENTS = ("oboe", "cello", "harp", "tuba")
_BIRDS = ("waxwing", "hoopoe", "dotterel", "little auk")
_TOWNS = ("Hexham", "Ørsta", "Totnes", "Lund")
_PEOPLE = ("Zoë Marsh", "Piotr Wójcik", "Юрий Сомов", "Ines Duarte")

TOOLS: Final = (
    _tool(
        "ferry_timetable",
        "Departures of a ferry on a day.",
        "origin date",
        {"departures": {"type": "array", "items": _TEXT}},
        origin={"type": "string", "enum": list(_PORTS), "description": "Port of departure."},
        date={"type": "string", "format": "date", "description": "Day of travel."},
        cars={"type": "integer", "minimum": 0, "maximum": 4, "default": 0, "description": "Cars on board."},
    ),
    _tool(
        "Tide Table API",
        "High water at a station.",
        "station days",
        {"metres": {"type": "array", "items": _NUMBER}},
        station={"type": "string", "description": "Name of the station."},
        days={"type": "integer", "minimum": 1, "maximum": 14, "description": "Days ahead."},
    ),
    _tool(
        "rent_instrument",
        "Rents out an instrument by the month.",
        "instrument months email",
        {"contract": _TEXT, "fee": _NUMBER},
        instrument={"type": "string", "enum": list(_INSTRUMENTS)},
        months={"type": "integer", "minimum": 1, "description": "How long."},
        email={"type": "string", "format": "email", "description": "Where the contract goes."},
        insured={"type": "boolean", "default": False, "description": "With insurance."},
    ),
    _tool(
        "plan_firing",
        "Plans the firing of a kiln in steps.",
        "cone steps",
        {"hours": _NUMBER},
        cone={"type": "string", "pattern": "^cone [0-9]{1,2}$", "description": "Pyrometric cone."},
        steps={
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"celsius": _NUMBER, "minutes": {"type": "integer", "minimum": 1}},
                "required": ["celsius", "minutes"],
            },
        },
    ),
    _tool(
        "bird/sightings",
        "Recent sightings of a bird.",
        "species",
        {"count": {"type": "integer"}, "name": _TEXT},
        species={"type": "string", "description": "Common name."},
        within_km={"anyOf": [_NUMBER, {"type": "null"}], "description": "Distance."},
    ),
    _tool(
        "find_plots",
        "Free allotment plots of a town.",
        "town",
        {"plots": {"type": "array", "items": _TEXT}},
        town={"type": "string", "description": "Name of the town."},
        most_rent={"type": "number", "exclusiveMinimum": 0, "description": "Rent a year."},
    ),
    _tool(
        "lease_plot",
        "Leases an allotment plot to a person.",
        "plot tenant",
        {"lease": _TEXT},
        plot={"type": "string", "pattern": "^P-[0-9]{3}$", "description": "Id of the plot."},
        tenant={"type": "string", "minLength": 2, "description": "Full name."},
    ),
)
_BY_NAME: Final = {spec.name: spec for spec in TOOLS}

_PROMPTS = (
    "",
    "You are a helpful assistant with tools.",
    "Use the functions below. Put calls in the format [func(name=value)]. NO other text MUST be included.",
    "Call functions inside <tool_call></tool_call> tags. Functions are given in JSON format.",
)
_OPENINGS = ("Could you {}?", "Please {}.", "I need you to {}", "Hi! Can you {}? Thanks.", "{}, if you can.")
_NO_TOOL = (
    ("What is a neap tide?", "It is a tide of small range, when sun and moon pull at right angles."),
    ("Thanks, that is all.", "You are welcome! 😊"),
    (
        "How do I keep a cello in tune?",
        "Three things help:\n\n1. Steady humidity\n2. Good pegs\n3. New strings",
    ),
    ("What does 'merci' mean in Russian?", "It means «спасибо», which is said as `spasibo`."),
    ("Which page says more?", "This one does: https://example.org/tides"),
)

Turn = tuple[str, ToolCall, dict[str, Any], str]
"""What is asked, the call for it, its result, and what is told of it."""


def specimens(n: int, seed: int = 0) -> Iterator[Trajectory]:
    """`n` good dialogues, the kinds in turn."""
    draw = random.Random(seed)
    for number in range(n):
        yield _Dialogue(draw, f"specimen-{seed}-{number}").of_kind(KINDS[number % len(KINDS)])


class _Dialogue:
    def __init__(self, draw: random.Random, id: str) -> None:
        self.draw = draw
        self.id = id
        self.messages: list[Message] = []
        self.calls = 0
        self.wraps = draw.random() < 0.5
        self.alone = False

    def of_kind(self, kind: str) -> Trajectory:
        prompt = self.draw.choice(_PROMPTS)
        self.alone = "NO other text" in prompt
        if prompt:
            self.messages.append(Message(role="system", text=prompt))
        for turn in range(self.draw.choice((1, 1, 2, 3))):
            self._play(kind if turn == 0 else self.draw.choice(KINDS))
        used = {call.name for message in self.messages for call in message.calls}
        others = [spec for spec in TOOLS if spec.name not in used]
        tools = [spec for spec in TOOLS if spec.name in used]
        tools += self.draw.sample(others, min(len(others), self.draw.randint(1, 3)))
        self.draw.shuffle(tools)
        task = Task(kind="dialogue", id=self.id, inputs={"kind": kind})
        return Trajectory(
            id=self.id,
            task=task,
            tools=tuple(tools),
            messages=tuple(self.messages),
            outcome=Outcome(kind="answered"),
        )

    def _play(self, kind: str) -> None:
        if kind == "no tool":
            asked, told = self.draw.choice(_NO_TOOL)
            self._say("user", asked)
            self._say("assistant", told)
        elif kind == "dependent":
            self._dependent()
        else:
            turns = [self._turn() for _ in range(self.draw.randint(2, 3) if kind == "parallel" else 1)]
            asked = " and then ".join(turn[0] for turn in turns)
            self._say("user", self.draw.choice(_OPENINGS).format(asked))
            if kind == "clarification":
                self._say("assistant", self.draw.choice(("Which one exactly?", "Could you tell me more?")))
                self._say("user", f"Sorry, I meant: {asked}")
            if kind == "recovery":
                self._call([turns[0][1]], [{"error": "temporarily unavailable, call again"}])
                turns[0] = (turns[0][0], self._again(turns[0][1]), *turns[0][2:])
            self._call([turn[1] for turn in turns], [turn[2] for turn in turns])
            self._tell([turn[3] for turn in turns])

    def _dependent(self) -> None:
        town, tenant = self.draw.choice(_TOWNS), self.draw.choice(_PEOPLE)
        rent, plot = self.draw.randint(20, 90), f"P-{self.draw.randint(100, 999)}"
        self._say("user", f"Lease a plot in {town} for at most {rent} a year to {tenant}")
        self._call([self._new("find_plots", town=town, most_rent=rent)], [{"plots": [plot]}])
        self._call([self._new("lease_plot", plot=plot, tenant=tenant)], [{"lease": f"L{plot}"}])
        self._tell([f"{tenant} now has the plot {plot} in {town}"])

    def _turn(self) -> Turn:
        return self.draw.choice(_TURNS)(self)

    def _ferry(self) -> Turn:
        port, day = self.draw.choice(_PORTS), f"2031-0{self.draw.randint(1, 9)}-{self.draw.randint(10, 28)}"
        cars = {"cars": self.draw.randint(1, 4)} if self.draw.random() < 0.5 else {}
        times = [f"{self.draw.randint(6, 21):02d}:{self.draw.choice(('05', '40'))}" for _ in range(2)]
        asked = f"look up ferries from {port} on {day}" + (f" with {cars['cars']} cars" if cars else "")
        call = self._new("ferry_timetable", origin=port, date=day, **cars)
        return asked, call, {"departures": times}, f"ferries leave {port} at {' and '.join(times)}"

    def _tide(self) -> Turn:
        station, days = self.draw.choice(_STATIONS), self.draw.randint(1, 14)
        metres = [round(self.draw.uniform(1, 9), 1) for _ in range(2)]
        call = self._new("Tide Table API", station=station, days=days)
        asked = f"get high water at {station} for {days} days"
        return asked, call, {"metres": metres}, f"at {station} the water rises to {max(metres)} m"

    def _rent(self) -> Turn:
        what, months = self.draw.choice(_INSTRUMENTS), self.draw.randint(1, 12)
        insured = {"insured": True} if self.draw.random() < 0.5 else {}
        email = f"{self.draw.choice(('ann', 'raj', 'li'))}@example.org"
        asked = f"rent the {what} for {months} months, {'insured, ' if insured else ''}contract to {email}"
        call = self._new("rent_instrument", instrument=what, months=months, email=email, **insured)
        return asked, call, {"contract": f"C{months}", "fee": 9.5 * months}, f"the {what} is yours"

    def _fire(self) -> Turn:
        cone = f"cone {self.draw.randint(1, 12)}"
        steps = [
            {"celsius": 100 * self.draw.randint(1, 12), "minutes": self.draw.randint(5, 90)}
            for _ in range(self.draw.randint(1, 3))
        ]
        words = ", ".join(f"{step['minutes']} minutes at {step['celsius']} °C" for step in steps)
        call = self._new("plan_firing", cone=cone, steps=steps)
        return (
            f"plan a firing to {cone}: {words}",
            call,
            {"hours": 7.5},
            f"the firing to {cone} takes 7.5 hours",
        )

    def _birds(self) -> Turn:
        bird, km = self.draw.choice(_BIRDS), self.draw.choice((None, 12.5, 40))
        asked = f"count sightings of the {bird}" + (f" within {km} km" if km else "")
        count = self.draw.randint(0, 40)
        call = self._new("bird/sightings", species=bird, **({"within_km": km} if km else {}))
        return asked, call, {"count": count, "name": bird}, f"the {bird} was seen {count} times"

    def _new(self, name: str, **arguments: Any) -> ToolCall:
        self.calls += 1
        return ToolCall(id=f"call{self.calls}", name=name, arguments=arguments)

    def _again(self, call: ToolCall) -> ToolCall:
        return self._new(call.name, **call.arguments)

    def _say(self, role: Any, text: str) -> None:
        self.messages.append(Message(role=role, text=text))

    def _call(self, calls: list[ToolCall], results: list[dict[str, Any]]) -> None:
        text = "" if self.alone or self.draw.random() < 0.7 else "Let me look that up."
        self.messages.append(Message(role="assistant", text=text, calls=tuple(calls)))
        for call, result in zip(calls, results, strict=True):
            wrapped = {"name": call.name, "results": result} if self.wraps else result
            text = json.dumps(wrapped, ensure_ascii=False)
            self.messages.append(Message(role="tool", text=text, call_id=call.id))

    def _tell(self, found: list[str]) -> None:
        style = self.draw.randrange(3)
        if style == 0:
            text = f"Done: {'; '.join(found)}."
        elif style == 1:
            text = "Here is what I found:\n\n" + "\n".join(f"- {fact}" for fact in found)
            text += "\n\nLet me know if you need more!"
        else:
            text = " ".join(f"{fact[0].upper()}{fact[1:]}." for fact in found) + " Anything else?"
        self._say("assistant", text)


_TURNS: Final[tuple[Callable[[_Dialogue], Turn], ...]] = (
    _Dialogue._ferry,
    _Dialogue._tide,
    _Dialogue._rent,
    _Dialogue._fire,
    _Dialogue._birds,
)
