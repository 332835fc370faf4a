"""A model that writes what the rules write otherwise: domains from documents, and new APIs from examples.

`Writer` is what the pool asks for; `ModelWriter` answers with any pydantic-ai model. What a model gets wrong
is recorded in `faults` and skipped. Knows nothing of pools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tastemaker.errors import InputError
from tastemaker.llm.signature import signature
from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import fault
from tastemaker.synthesis.context_tree import Domain, Thing, read_tree
from tastemaker.synthesis.value_types import ValueTypes
from tastemaker.tools.importers import ApiDocument

if TYPE_CHECKING:
    from pydantic_ai.models import Model


class Writer(Protocol):
    """Writes domains and APIs; None where it has nothing usable to say."""

    name: str
    faults: list[str]

    async def things(self, document: ApiDocument, types: ValueTypes) -> tuple[Thing, ...] | None:
        """The things that a document's API is about."""
        ...

    async def evolve(self, domain: Domain, example: ToolSpec) -> ToolSpec | None:
        """A new API of the domain, different from the example."""
        ...


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ThingAnswer(_Answer):
    """A thing as a model writes it."""

    name: str
    verbs: str = Field(
        description="verbs in lower case, separated by spaces, such as: search get create book"
    )
    attributes: str = Field(description="such as: title:~Dune|Emma; year:1900..2026; kind:novel|play; author")


class DomainAnswer(_Answer):
    """A domain as a model writes it."""

    things: list[ThingAnswer]


class ApiAnswer(_Answer):
    """An API as a model writes it."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON Schema of type object, every property described")
    result: dict[str, Any] = Field(description="JSON Schema of what the API returns")


_SPECIATE = (
    "You describe what an API is about. Name two to four things it deals with, what can be done with each, "
    "and three to seven attributes of each. An attribute is name:type; a type is a range such as 1..5, "
    "choices such as red|green, examples such as ~Rex|Bella, bool, or one of these names: {names}."
)
_EVOLVE = (
    "You invent an API of the domain {domain}. It must do something else than the example: add functionality "
    "or parameters, add constraints, change parameters' types (lists, objects, lists of objects), or return "
    "something else. Give JSON Schemas with a type and a description for every property."
)
Answer = TypeVar("Answer", bound=BaseModel)


class ModelWriter:
    """A `Writer` that asks a pydantic-ai model; `seconds` is the longest it waits for an answer."""

    def __init__(self, model: Model, seconds: float = 120.0) -> None:
        self._model, self._seconds = model, seconds
        self.name = model.model_name
        self.faults: list[str] = []

    async def things(self, document: ApiDocument, types: ValueTypes) -> tuple[Thing, ...] | None:
        tools = "\n".join(signature(spec) for spec in document.tools[:20])
        text = f"{document.name} ({document.domain}): {document.description}\n{tools}"
        answer = await self._ask(DomainAnswer, _SPECIATE.format(names=", ".join(types.named)), text)
        if answer is None or not answer.things:
            return None
        table: dict[str, Any] = {t.name.lower(): [t.verbs.lower(), t.attributes] for t in answer.things}
        try:
            tree = read_tree([(document.name, {"_types": types.named, "area": {"domain": table}})])
        except InputError as error:
            self.faults.append(str(error))
            return None
        return tree.domains["domain"].things

    async def evolve(self, domain: Domain, example: ToolSpec) -> ToolSpec | None:
        text = f"Example: {example.model_dump_json(exclude_none=True)}"
        answer = await self._ask(ApiAnswer, _EVOLVE.format(domain=domain.name), text)
        if answer is None:
            return None
        try:
            spec = ToolSpec.model_validate(answer.model_dump())
        except ValueError as error:
            self.faults.append(f"{answer.name}: {' '.join(str(error).split())[:200]}")
            return None
        wrong = fault(spec)
        if wrong:
            self.faults.append(f"{spec.name}: {wrong}")
            return None
        return spec

    async def _ask(self, kind: type[Answer], instructions: str, text: str) -> Answer | None:
        import asyncio

        from pydantic_ai import Agent
        from pydantic_ai.exceptions import AgentRunError

        agent = Agent(self._model, output_type=kind, instructions=instructions, retries=1)
        try:
            async with asyncio.timeout(self._seconds):
                return (await agent.run(text)).output
        except (AgentRunError, TimeoutError) as error:
            self.faults.append(
                f"{kind.__name__}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            )
            return None
