import asyncio
import enum
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import AfterValidator, BaseModel, Field

from tastemaker.errors import InputError, LimitReached, ToolError
from tastemaker.records import ToolSpec
from tastemaker.tools.tool import Tool, signature


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


class Span(BaseModel):
    first: int
    last: int | None = None


def everything(
    text: str,
    whole: Annotated[int, Field(ge=1, le=9)] = 3,
    real: float = 0.5,
    flag: bool = False,
    order: Literal["new", "old"] = "new",
    mood: Mood = Mood.CALM,
    maybe: int | None = None,
    many: list[str] = [],  # noqa: B006
    table: dict[str, int] | None = None,
    span: Span | None = None,
    copy: Annotated[str, "a name that pydantic keeps for itself"] = "x",
    *,
    _last: Annotated[int, Field(description="starts with an underscore")] = 0,
) -> dict[str, Any]:
    """Take
    everything.

    This is for people.

    Args:
        text: any words
        whole (int): from 1 to 9
    """
    return {name: value for name, value in locals().items() if value is not None}


def call(tool: Tool, **arguments: Any) -> str:
    return asyncio.run(tool.call(arguments))


def test_the_schema_comes_from_the_signature_and_the_docstring() -> None:
    spec = Tool.from_function(everything).spec
    assert (spec.name, spec.description) == ("everything", "Take everything.")
    Draft202012Validator.check_schema(spec.parameters)
    properties = spec.parameters["properties"]
    assert list(properties) == [
        "text", "whole", "real", "flag", "order", "mood", "maybe", "many", "table", "span", "copy", "_last",
    ]  # fmt: skip
    assert spec.parameters["required"] == ["text"]
    assert spec.parameters["additionalProperties"] is False
    assert properties["text"] == {"type": "string", "description": "any words"}
    assert properties["whole"] == {
        "type": "integer", "default": 3, "minimum": 1, "maximum": 9, "description": "from 1 to 9",
    }  # fmt: skip
    assert properties["copy"]["description"] == "a name that pydantic keeps for itself"
    assert properties["_last"]["description"] == "starts with an underscore"
    assert "title" not in json.dumps(spec.parameters)
    assert signature(spec) == (
        "everything(text: str, whole: int = 3, real: float = 0.5, flag: bool = false, "
        'order: "new"|"old" = "new", mood: "calm"|"wild" = "calm", maybe?: int, many: [str] = [], '
        'table?: {int}, span?: {first: int, last?: int}, copy: str = "x", _last: int = 0)  # Take everything.'
    )


def test_the_function_gets_its_own_types_and_keeps_its_defaults() -> None:
    received: dict[str, Any] = {}

    def keep(mood: Mood, span: Span, many: list[int], rest: str = "own") -> str:
        received.update(mood=mood, span=span, many=many, rest=rest)
        return "kept"

    assert call(Tool.from_function(keep), mood="wild", span={"first": "2"}, many=["1", 2.0]) == "kept"
    assert received == {"mood": Mood.WILD, "span": Span(first=2), "many": [1, 2], "rest": "own"}


def test_a_name_of_ones_own_and_no_arguments() -> None:
    tool = Tool.from_function(lambda: 3, "three")
    assert signature(tool.spec) == "three()"
    assert call(tool) == "3"


@dataclass
class Pair:
    a: int
    b: str


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is\n", "as it is\n"),
        ({"a": [1, 2.5], "b": None}, '{"a":[1,2.5],"b":null}'),
        (Pair(1, "é"), '{"a":1,"b":"é"}'),
        (Span(first=1), '{"first":1,"last":null}'),
        ([Mood.WILD], '["wild"]'),
        (np.array([1, 2]), "[1,2]"),
        (np.float64(0.5), "0.5"),
        (None, "null"),
        (True, "true"),
    ],
)
def test_results_become_compact_text(result: Any, text: str) -> None:
    assert call(Tool.from_function(lambda: result, "give")) == text


def test_an_async_function_is_awaited() -> None:
    async def later(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert call(Tool.from_function(later), n="4") == "5"


def test_a_tool_from_a_spec_gets_plain_values() -> None:
    spec = ToolSpec(
        name="double",
        parameters={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    )
    assert call(Tool(spec, lambda n: 2 * n), n="4") == "8"
    with pytest.raises(InputError, match="tool double: the schema of its parameters must have type object"):
        Tool(ToolSpec(name="double", parameters={"type": "array"}), lambda: 0)


def test_another_function_can_answer_the_same_tool() -> None:
    def plus(a: int, b: int = 1) -> int:
        return a + b

    tool = Tool.from_function(plus)
    minus = tool.with_function(lambda a, b=1: a - b)
    assert (call(tool, a=5), call(minus, a="5")) == ("6", "4")
    assert minus.spec == tool.spec


def test_what_no_schema_can_say_is_still_checked_before_the_call() -> None:
    def odd(n: int) -> int:
        if n % 2 == 0:
            raise ValueError("must be\nodd")
        return n

    def keep(n: Annotated[int, AfterValidator(odd)]) -> int:
        return n

    with pytest.raises(ToolError, match=r"^keep: argument n: Value error, must be odd$"):
        call(Tool.from_function(keep), n=4)


def test_a_tools_own_error_passes_and_a_fault_is_named_but_ends_no_run() -> None:
    def fail(how: str) -> str:
        if how == "tool":
            raise ToolError("no item 'x'; ids near it: y")
        if how == "limit":
            raise LimitReached("no requests left")
        raise KeyError(how)

    tool = Tool.from_function(fail)
    with pytest.raises(ToolError, match=r"^no item 'x'; ids near it: y$"):
        call(tool, how="tool")
    with pytest.raises(LimitReached):
        call(tool, how="limit")
    with pytest.raises(ToolError, match=r"^fail failed: KeyError$") as caught:
        call(tool, how="secret")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ToolError, match=r"^give failed: PydanticSerializationError$"):
        call(Tool.from_function(lambda: object(), "give"))


def test_signatures_without_a_schema_are_refused() -> None:
    def rest(*items: str) -> None: ...
    def odd(value: asyncio.Event) -> None: ...
    def unknown(value: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    for function in (rest, odd, unknown):
        with pytest.raises(InputError, match=f"^tool {function.__name__}: "):
            Tool.from_function(function)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["5", "new"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EVERYTHING = Tool.from_function(everything)


@given(
    st.dictionaries(
        st.sampled_from([*EVERYTHING.spec.parameters["properties"], "other"]), json_values, max_size=5
    )
)
def test_random_arguments_raise_nothing_but_tool_errors(arguments: dict[str, Any]) -> None:
    for given_arguments in (arguments, {"text": "a"} | arguments):
        try:
            result = asyncio.run(EVERYTHING.call(given_arguments))
        except ToolError as error:
            message = str(error)
        else:
            message = ""
            assert isinstance(json.loads(result), dict)
        assert "\n" not in message
