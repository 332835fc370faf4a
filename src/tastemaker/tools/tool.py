"""What a tool is: a specification that a model reads, and the function that answers its calls.

A call is checked against the tool's JSON Schema before the function runs; what the model can mend comes back
to it as a `ToolError` of one line. Knows nothing of recommenders, of models, or of the loop that calls it.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_json

from tastemaker.errors import InputError, LimitReached, ToolError
from tastemaker.llm.signature import signature
from tastemaker.records import ToolSpec
from tastemaker.tools.arguments import ArgumentReader, reader
from tastemaker.tools.docstring import read_docstring

__all__ = ["Tool", "signature"]

Function = Callable[..., Any] | Callable[..., Awaitable[Any]]


@dataclass(frozen=True, eq=False)
class Tool:
    """A specification and the function (sync or async) that is called with the arguments by name.

    Build one with `from_function`, or directly from a spec that came from elsewhere: then the arguments reach
    the function as plain JSON values. Raises InputError when the spec's parameters are no JSON Schema of an
    object.
    """

    spec: ToolSpec
    function: Function
    arguments: type[BaseModel] | None = None
    """Turns JSON values into the function's own types; None passes them as they are."""
    _reader: ArgumentReader = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reader", reader(self.spec.name, self.spec.parameters))

    @classmethod
    def from_function(cls, function: Function, name: str | None = None) -> Self:
        """A tool with the schema of the function's signature and the words of its docstring.

        Types: str, int, float, bool, Literal, Optional, list, dict, enums, pydantic models, and what else
        pydantic has a schema for. An argument's doc is the text or `Field(description=…)` in its
        `Annotated`, else its entry in the docstring's "Args:" section; the tool's is the docstring's first
        paragraph. `name` defaults to the function's. Raises InputError when the signature has no schema.

        >>> def near(item: str, n: int = 10) -> list[str]:
        ...     "Items like this one."
        ...     return [item] * n
        >>> signature(Tool.from_function(near).spec)
        'near(item: str, n: int = 10)  # Items like this one.'
        """
        name = name or getattr(function, "__name__", "") or type(function).__name__
        doc = read_docstring(inspect.getdoc(function) or "")
        model = _arguments_model(function, name, doc.arguments)
        schema = model.model_json_schema(by_alias=True, schema_generator=_Untitled)
        for part in (schema, *schema.get("$defs", {}).values()):
            part.pop("title", None)
        schema.setdefault("properties", {})
        return cls(ToolSpec(name=name, description=doc.summary, parameters=schema), function, model)

    def with_function(self, function: Function) -> Self:
        """The same tool answered by another function (a bound method, a simulated executor)."""
        return replace(self, function=function)

    def shown_as(self, spec: ToolSpec) -> Self:
        """The same tool, told to the model in another way; its calls are checked as before."""
        shown = replace(self, spec=spec)
        object.__setattr__(shown, "_reader", self._reader)
        return shown

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as JSON values that fit the schema, read leniently (see `arguments`).

        Raises ToolError: one line that says which argument, what was wrong and what is expected.
        """
        return self._reader.read(arguments)

    async def call(self, arguments: dict[str, Any]) -> str:
        """Run the tool. Returns its result as text: a str as it is, anything else as compact JSON.

        Raises ToolError for arguments that do not fit and where the function raises one. Any other exception
        of the function is a fault of ours that must not end a run: it becomes `ToolError("NAME failed:
        TYPE")` with the fault as `__cause__`. `LimitReached` passes: a tool that is itself an agent has used
        up what the whole team may use, and that does end the run.
        """
        keywords = self.check(arguments)
        if self.arguments is not None:
            keywords = self._converted(self.arguments, keywords)
        try:
            result = self.function(**keywords)
            if inspect.isawaitable(result):
                result = await result
            return result if isinstance(result, str) else to_json(result, fallback=_plain).decode()
        except (ToolError, LimitReached):
            raise
        except Exception as error:
            raise ToolError(f"{self.spec.name} failed: {type(error).__name__}") from error

    def _converted(self, model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
        """JSON values in the function's types. What is left out stays out: the function's defaults hold."""
        try:
            read = model.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ToolError(f"{self.spec.name}: argument {where}: {_one_line(first['msg'])}") from None
        return {str(model.model_fields[key].alias): getattr(read, key) for key in read.model_fields_set}


class _Untitled(GenerateJsonSchema):
    """JSON Schema without the titles that only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _arguments_model(function: Function, name: str, docs: dict[str, str]) -> type[BaseModel]:
    """A pydantic model with a field for each parameter.

    The fields are called `a0`, `a1`, … and carry the parameter's name as alias, so that a parameter may be
    called `copy` or `_x`, which pydantic keeps for itself.
    """
    fields: dict[str, Any] = {}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        for position, parameter in enumerate(inspect.signature(function).parameters.values()):
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise InputError(f"tool {name}: parameter {parameter.name} cannot be given by name")
            hint = hints.get(parameter.name, Any)
            texts = [text for text in getattr(hint, "__metadata__", ()) if isinstance(text, str)]
            doc = texts[0] if texts else docs.get(parameter.name)
            described: dict[str, Any] = {"description": doc} if doc else {}
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[f"a{position}"] = (hint, Field(default, alias=parameter.name, **described))
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError) as error:
        raise InputError(f"tool {name}: no schema for its signature: {_one_line(str(error))}") from None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: Any) -> Any:
    """Arrays and numbers of numpy as Python's own, without importing numpy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a result of type {type(value).__name__} cannot be written as JSON")
