"""What a task's tool is before it is shown: a typed Python function over a world, and words for it.

A function belongs to one split for good: what a model meets in training it never meets in a test. It has
several wordings (tool name, style, parameter names, description), and one is drawn each time it is offered.
Registered functions stand in `FUNCTIONS` once `services` is imported. Knows nothing of programs.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from tastemaker.learning.tasks.sorts import SORTS, tidy
from tastemaker.learning.tasks.task import OfferedTool
from tastemaker.learning.tasks.world import FIELDS, World, find, route
from tastemaker.records import ToolSpec

Split = Literal["train", "valid", "test"]

Person = Annotated[str, "person"]
Town = Annotated[str, "town"]
Product = Annotated[str, "product"]
Film = Annotated[str, "film"]
Date = Annotated[str, "date"]
Text = Annotated[str, "text"]
Number = Annotated[float, "number"]
Size = Annotated[float, "size"]
Percent = Annotated[float, "percent"]
Money = Annotated[float, "money"]
Numbers = Annotated[list[float], "numbers"]
Days = Annotated[int, "days"]
Quantity = Annotated[int, "quantity"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function."""

    name: str
    sort: str
    words: tuple[str, ...]
    """Names that it may be shown under."""


@dataclass(frozen=True, eq=False)
class Function:
    """One tool function."""

    key: str
    """`service.name`."""
    split: Split
    run: Callable[..., Any]
    """Takes the world, and the arguments by their own names. Raises ToolError."""
    parameters: tuple[Parameter, ...]
    gives: str
    """The field of the result that holds the value."""
    sort: str
    """The sort of the value, or of each of several; empty where the function acts and tells nothing."""
    many: bool
    """Whether the value is a list of values."""
    names: tuple[str, ...]
    """Names in words."""
    doc: str
    says: tuple[str, ...]
    """Noun phrases for the value, or what to do where the function acts, with a place for each parameter."""
    needs: tuple[tuple[str, str], ...]
    """Tables and fields of the world that it reads or changes."""
    kin: str
    """Functions of one kin may do each other's work: none is a distractor of another."""

    @property
    def service(self) -> str:
        return self.key.split(".")[0]

    @property
    def acts(self) -> bool:
        """Whether it changes the world."""
        return not self.sort

    def result(self, value: Any) -> dict[str, Any]:
        """What a call returns for a value."""
        if isinstance(value, list):
            return {self.gives: [tidy(v) if isinstance(v, float) else v for v in value]}
        return {self.gives: tidy(value) if isinstance(value, float) else value}

    @cached_property
    def wordings(self) -> tuple[OfferedTool, ...]:
        """All ways in which the tool is offered."""
        return tuple(
            self._wording(name, style, number + place)
            for number, name in enumerate(self.names)
            for place, style in enumerate(_STYLES)
        )

    def _wording(self, words: str, style: Callable[[str, str], str], number: int) -> OfferedTool:
        name = style(self.service, words)
        shown: dict[str, str] = {}
        for parameter in self.parameters:
            word = parameter.words[number % len(parameter.words)]
            shown[_parameter_style(style, word)] = parameter.name
        if len(shown) < len(self.parameters):
            raise AssertionError(f"{self.key}: two parameters share a name")
        schema = {
            "type": "object",
            "properties": {
                word: SORTS[parameter.sort].schema
                for word, parameter in zip(shown, self.parameters, strict=True)
            },
            "required": list(shown),
            "additionalProperties": False,
        }
        value = SORTS[self.sort].schema if self.sort else {}
        result = {
            "type": "object",
            "properties": {self.gives: {"type": "array", "items": value} if self.many else value},
        }
        spec = ToolSpec(name=name, description=self.doc, parameters=schema, result=result)
        return OfferedTool(function=self.key, spec=spec, arguments=shown)


FUNCTIONS: Final[dict[str, Function]] = {}
"""By key."""


def _snake(service: str, words: str) -> str:
    return words.lower().replace(" ", "_")


def _camel(service: str, words: str) -> str:
    first, *rest = words.lower().split()
    return first + "".join(word.capitalize() for word in rest)


def _prefixed(service: str, words: str) -> str:
    return f"{service}_{_snake(service, words)}"


_STYLES: Final = (_snake, _camel, _prefixed)


def _parameter_style(style: Callable[[str, str], str], words: str) -> str:
    return _camel("", words) if style is _camel else _snake("", words)


def _register(function: Function) -> None:
    if function.key in FUNCTIONS:
        raise AssertionError(f"{function.key} is registered twice")
    if any(_places(say) != {p.name for p in function.parameters} for say in function.says):
        raise AssertionError(f"{function.key}: each phrase has a place for each parameter")
    FUNCTIONS[function.key] = function


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def tool(
    split: Split,
    service: str,
    *,
    names: str,
    doc: str,
    says: Sequence[str],
    gives: str,
    sort: str = "",
    many: bool = False,
    needs: Sequence[tuple[str, str]] = (),
    kin: str = "",
    **words: str,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a typed function: each parameter's annotation names its sort (`Annotated[str, "town"]`).

    `names` are the tool's names in words, divided by commas; so are `words` for a parameter, which else has
    those of its sort.
    """

    def keep(run: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(run, include_extras=True)
        parameters = tuple(
            _parameter(name, hints[name].__metadata__[0], words.get(name, ""))
            for name in list(inspect.signature(run).parameters)[1:]
        )
        key = f"{service}.{run.__name__.strip('_')}"
        _register(
            Function(
                key=key,
                split=split,
                run=run,
                parameters=parameters,
                gives=gives,
                sort=sort,
                many=many,
                names=tuple(name.strip() for name in names.split(",")),
                doc=doc,
                says=tuple(says),
                needs=tuple(needs),
                kin=kin or key,
            )
        )
        return run

    return keep


def _parameter(name: str, sort: str, words: str) -> Parameter:
    told = tuple(word.strip() for word in words.split(",")) if words else SORTS[sort].words
    return Parameter(name, sort, told or (name,))


def look_up(
    split: Split,
    service: str,
    table: str,
    field: str,
    *,
    names: str,
    doc: str,
    says: Sequence[str],
    gives: str = "",
    many: bool = False,
    kin: str = "",
) -> None:
    """Register the look-up of a field of a table by its key, or by two towns for the table `route`."""
    towns = table == "route"

    def run(world: World, **arguments: str) -> Any:
        if towns:
            return route(world, arguments["origin"], arguments["destination"])[field]
        return find(world, table, arguments[table])[field]

    if towns:
        parameters: tuple[Parameter, ...] = (
            _parameter("origin", "town", "origin, from town, start"),
            _parameter("destination", "town", "destination, to town, end"),
        )
    else:
        parameters = (_parameter(table, table, ""),)
    sort = FIELDS[table, field][0]
    key = f"{service}.{field}"
    _register(
        Function(
            key=key,
            split=split,
            run=run,
            parameters=parameters,
            gives=gives or field,
            sort=sort,
            many=many,
            names=tuple(name.strip() for name in names.split(",")),
            doc=doc,
            says=tuple(says),
            needs=((table, field),),
            kin=kin or key,
        )
    )


@dataclass(frozen=True)
class Script:
    """Acts and the question that shows what they did: a program of a stateful service."""

    split: Split
    acts: tuple[str, ...]
    """Keys of the functions that act, each called at least once."""
    asks: str
    shared: dict[str, str]
    """Parameters of the question by the parameter of the first act that they repeat."""
    repeats: tuple[int, int] = (1, 3)
    """How often the first act is called with other arguments."""
    opens: str = ""
    """A function that is called first and gives the act's parameter of its sort, and the question's."""


SCRIPTS: Final[list[Script]] = []
