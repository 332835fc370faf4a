"""Records of API collections: RapidAPI's as ToolBench has them, ToolAlpaca's, and plug-in lists.

| what | told by |
|---|---|
| ToolBench queries or lists of APIs | `api_list`, or `tool_name` and `api_name` |
| ToolBench trajectories | `available_tools` |
| ToolAlpaca | `Documentation` (an OpenAPI text), or `API` and `Category` |
| plug-ins (MetaTool) | `name_for_model` and `description_for_model` |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tastemaker.errors import InputError
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolSpec
from tastemaker.tools.importers import openapi
from tastemaker.tools.importers.document import ApiDocument, one_line, tool, trimmed

_TYPES = {
    "STRING": "string",
    "NUMBER": "number",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
}
_RESULT_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "NoneType": "null"}
_DEPTH = 6


def read(value: Any, where: str) -> list[ApiDocument] | None:
    """The APIs of the records; None where the value is of no form known here."""
    if isinstance(value, dict) and isinstance(value.get("entries"), list):
        value = value["entries"]
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        value = list(value.values())
    if not (isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)):
        return None
    first: dict[str, Any] = value[0]
    if "api_list" in first:
        return _rapid(api for entry in value for api in entry.get("api_list") or ())
    if "tool_name" in first and "api_name" in first:
        return _rapid(value)
    if "available_tools" in first:
        return _offered(value, where)
    if "Documentation" in first:
        return [_alpaca(entry, where) for entry in value]
    if "API" in first and "Category" in first:
        return [_entry(entry) for entry in value]
    if "name_for_model" in first:
        return [_plug_in(entry, where) for entry in value]
    return None


def _rapid(apis: Iterable[Any]) -> list[ApiDocument]:
    """One document a tool, with its APIs; the same API in several queries counts once."""
    documents: dict[str, tuple[str, dict[str, ToolSpec]]] = {}
    for api in apis:
        if not isinstance(api, dict) or not api.get("tool_name") or not api.get("api_name"):
            continue
        name = str(api["tool_name"])
        _, tools = documents.setdefault(name, (str(api.get("category_name") or ""), {}))
        called = _name(str(api["api_name"]))
        if called not in tools:
            tools[called] = _rapid_tool(called, api)
    return [
        ApiDocument(name=name, domain=domain.replace("_", " "), tools=tuple(tools.values()))
        for name, (domain, tools) in documents.items()
    ]


def _rapid_tool(name: str, api: dict[str, Any]) -> ToolSpec:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key, needed in (("required_parameters", True), ("optional_parameters", False)):
        for parameter in api.get(key) or ():
            if not isinstance(parameter, dict) or not parameter.get("name"):
                continue
            schema: dict[str, Any] = {"type": _TYPES.get(str(parameter.get("type")).upper(), "string")}
            if parameter.get("description"):
                schema["description"] = one_line(parameter["description"])
            if parameter.get("default") not in (None, ""):
                schema["examples"] = [parameter["default"]]
            properties[str(parameter["name"])] = schema
            if needed:
                required.append(str(parameter["name"]))
    parameters = {"type": "object", "properties": properties, "required": sorted(set(required))}
    description = one_line(api.get("api_description")) or f"{name.replace('_', ' ')} of {api['tool_name']}"
    return tool(name, description, parameters, _like(api.get("template_response")), str(api["tool_name"]))


def _like(template: Any, depth: int = 0) -> dict[str, Any] | None:
    """The schema of a response from its template, whose leaves are names of Python types."""
    if isinstance(template, dict):
        if not template or depth >= _DEPTH:
            return {"type": "object"}
        return {
            "type": "object",
            "properties": {str(k): _like(v, depth + 1) or {} for k, v in template.items()},
        }
    if isinstance(template, list):
        entry = next(
            (part for part in template if not (isinstance(part, str) and part.startswith("_"))), None
        )
        return {"type": "array", "items": _like(entry, depth + 1) or {}}
    if isinstance(template, str) and template in _RESULT_TYPES:
        return {"type": _RESULT_TYPES[template]}
    return None


def _offered(value: list[dict[str, Any]], where: str) -> list[ApiDocument]:
    """The tools that ToolBench's trajectories offered; the one that ends a run is no API."""
    tools: dict[str, ToolSpec] = {}
    for entry in value:
        try:
            found = read_tools(entry["available_tools"])
        except (FormatError, KeyError) as error:
            raise InputError(f"{where}: available_tools: {error}") from None
        tools.update((spec.name, trimmed(spec)) for spec in found if spec.name != "Finish")
    documents: dict[str, list[ToolSpec]] = {}
    for spec in tools.values():
        documents.setdefault(spec.name.rpartition("_for_")[2], []).append(spec)
    return [ApiDocument(name=name.replace("_", " "), tools=tuple(specs)) for name, specs in documents.items()]


def _alpaca(entry: dict[str, Any], where: str) -> ApiDocument:
    name = one_line(entry.get("Name"), 80) or "API"
    try:
        document = json.loads(entry["Documentation"])
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{where}: {name}: its Documentation is no JSON") from None
    if not openapi.is_one(document):
        raise InputError(f"{where}: {name}: its Documentation is no OpenAPI document")
    whole = openapi.read(document, f"{where}: {name}")
    return whole.model_copy(
        update={
            "name": name,
            "domain": str(entry.get("Category") or ""),
            "description": one_line(entry.get("Description")),
        }
    )


def _entry(entry: dict[str, Any]) -> ApiDocument:
    return ApiDocument(
        name=one_line(entry.get("API"), 80) or "API",
        domain=str(entry.get("Category") or ""),
        description=one_line(entry.get("Description")),
        auth=str(entry.get("Auth") or ""),
    )


def _plug_in(entry: dict[str, Any], where: str) -> ApiDocument:
    if not isinstance(entry.get("name_for_model"), str):
        raise InputError(f"{where}: a plug-in without name_for_model")
    text = entry.get("description_for_human") or entry.get("description_for_model")
    return ApiDocument(name=entry["name_for_model"].replace("_", " "), description=one_line(text))


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:64] or "call"
