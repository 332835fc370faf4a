"""OpenAPI 3 and Swagger 2 documents: each operation becomes a tool.

Local references are put in place, at most `DEPTH` inside one another and never in a circle (there the
schema becomes a plain object); one that leads elsewhere gives a plain object, too, and nothing is fetched.
Schemas that would grow beyond `NODES` parts are cut off in the same way. Parameters of path, query and form
and the members of a JSON body become the tool's parameters; headers and cookies are left out.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any

from tastemaker.errors import InputError
from tastemaker.records import ToolSpec
from tastemaker.tools.importers.document import ApiDocument, one_line, tool

DEPTH, NODES = 6, 400
METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMA_KEYS = {
    *(
        "type",
        "format",
        "enum",
        "const",
        "default",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
    ),
    *("minItems", "maxItems", "uniqueItems", "multipleOf", "description", "required", "nullable"),
}
_COMBINED = ("allOf", "oneOf", "anyOf")


def is_one(value: Any) -> bool:
    """Whether a JSON value looks like an OpenAPI or Swagger document."""
    return isinstance(value, dict) and ("openapi" in value or "swagger" in value)


def read(document: Any, where: str) -> ApiDocument:
    """The document's API. Raises InputError where it has no operations or they cannot be understood."""
    paths = document.get("paths")
    if not isinstance(paths, dict):
        raise InputError(f"{where}: no paths; an OpenAPI document must have them")
    raw = document.get("info")
    info: dict[str, Any] = raw if isinstance(raw, dict) else {}
    title = one_line(info.get("title"), 80)
    reader = _Reader(document, where)
    tools: dict[str, ToolSpec] = {}
    for path, item in paths.items():
        item = reader.resolve(item)
        for method in METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                spec = reader.operation(path, method, item, operation)
                tools.setdefault(spec.name, spec)
    if not tools:
        raise InputError(f"{where}: no operations in its paths")
    return ApiDocument(
        name=title if title.lower() not in ("", "api") else PurePath(where).name.split(".")[0],
        description=one_line(info.get("description")),
        tools=tuple(tools.values()),
        auth=_auth(document),
    )


class _Reader:
    def __init__(self, document: dict[str, Any], where: str) -> None:
        self._document = document
        self._where = where
        self._nodes = 0

    def resolve(self, part: Any) -> Any:
        """The part that a chain of local references ends at; an empty object where it leads nowhere."""
        for _ in range(DEPTH):
            if not (isinstance(part, dict) and isinstance(part.get("$ref"), str)):
                return part
            part = self._target(part["$ref"])
        return {}

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            return {}
        part: Any = self._document
        for key in reference[2:].split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            part = part.get(key) if isinstance(part, dict) else None
        return part if part is not None else {}

    def operation(self, path: str, method: str, item: dict[str, Any], operation: dict[str, Any]) -> ToolSpec:
        """One operation as a tool."""
        name = _name(operation.get("operationId") or f"{method} {path}")
        properties: dict[str, Any] = {}
        required: list[str] = []
        listed = [*_list(item.get("parameters")), *_list(operation.get("parameters"))]
        for parameter in map(self.resolve, listed):
            if isinstance(parameter, dict):
                self._parameter(parameter, properties, required)
        body = self.resolve(operation.get("requestBody"))
        if isinstance(body, dict) and (schema := self._content(body)):
            self._body(schema, bool(body.get("required")), properties, required)
        parameters = {"type": "object", "properties": properties, "required": sorted(set(required))}
        description = operation.get("summary") or operation.get("description") or ""
        if len(str(description)) < 12:
            description = operation.get("description") or description or f"{method.upper()} {path}"
        return tool(name, str(description), parameters, self._result(operation), self._where)

    def _parameter(self, parameter: dict[str, Any], properties: dict[str, Any], required: list[str]) -> None:
        name, place = parameter.get("name"), parameter.get("in")
        if place == "body":
            self._body(
                self.schema(parameter.get("schema")), bool(parameter.get("required")), properties, required
            )
        elif isinstance(name, str) and name and place in ("path", "query", "formData"):
            schema = self.schema(parameter.get("schema", parameter))
            if "schema" not in parameter:
                schema.pop("required", None)
            if parameter.get("description"):
                schema["description"] = one_line(parameter["description"])
            properties[name] = schema
            if parameter.get("required") is True:
                required.append(name)

    def _body(
        self, schema: dict[str, Any], needed: bool, properties: dict[str, Any], required: list[str]
    ) -> None:
        if schema.get("properties"):
            for name, part in schema["properties"].items():
                properties.setdefault(name, part)
            required += [name for name in schema.get("required", ()) if name in schema["properties"]]
        elif schema:
            properties.setdefault("body", schema)
            if needed:
                required.append("body")

    def _content(self, holder: dict[str, Any]) -> dict[str, Any]:
        content = holder.get("content")
        if not isinstance(content, dict) or not content:
            return {}
        media = next((content[key] for key in content if "json" in key), next(iter(content.values())))
        return self.schema(media.get("schema")) if isinstance(media, dict) and media.get("schema") else {}

    def _result(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        responses = operation.get("responses")
        if not isinstance(responses, dict):
            return None
        code = next((c for c in ("200", "201", "202", "2XX", "default") if c in responses), None)
        answer = self.resolve(responses.get(code)) if code else None
        if not isinstance(answer, dict):
            return None
        if "schema" in answer:
            return self.schema(answer["schema"])
        return self._content(answer) or None

    def schema(self, part: Any) -> dict[str, Any]:
        """A schema with its references put in place."""
        self._nodes = 0
        return self._schema(part, ())

    def _schema(self, part: Any, open_references: tuple[str, ...]) -> dict[str, Any]:
        self._nodes += 1
        if not isinstance(part, dict):
            return {}
        if isinstance(part.get("$ref"), str):
            reference = part["$ref"]
            if reference in open_references or len(open_references) >= DEPTH or self._nodes > NODES:
                return {"type": "object"}
            return self._schema(self._target(reference), (*open_references, reference))
        made = {key: value for key, value in part.items() if key in _SCHEMA_KEYS}
        if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if "enum" in made and isinstance(made.get("type"), list) and None not in _list(made["enum"]):
            made["enum"] = [*_list(made["enum"]), None]
        if "description" in made:
            made["description"] = one_line(made["description"])
        _mend(made)
        if "const" not in made and self._nodes > NODES:
            return {"type": "object"} if part.get("type") in (None, "object") else made
        for key in _COMBINED:
            branches = [self._schema(branch, open_references) for branch in _list(part.get(key))]
            if key == "allOf":
                for branch in branches:
                    made = _joined(made, branch)
            elif branches:
                made[key] = branches
        if isinstance(part.get("properties"), dict):
            inner = {
                str(name): self._schema(value, open_references) for name, value in part["properties"].items()
            }
            made = _joined(made, {"type": "object", "properties": inner})
        if "items" in part:
            made["items"] = self._schema(part["items"], open_references)
            made.setdefault("type", "array")
        if isinstance(part.get("additionalProperties"), dict):
            made["additionalProperties"] = self._schema(part["additionalProperties"], open_references)
        return made


def _mend(schema: dict[str, Any]) -> None:
    """Take out, or read as numbers, what documents often get wrong."""
    for key in ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"):
        value = schema.get(key)
        if isinstance(value, str):
            try:
                schema[key] = json.loads(value)
            except ValueError:
                del schema[key]
        if key in schema and (isinstance(schema[key], bool) or not isinstance(schema[key], int | float)):
            del schema[key]
    if not isinstance(schema.get("required", []), list):
        del schema["required"]
    if not schema.get("enum", True) or not isinstance(schema.get("enum", []), list):
        del schema["enum"]


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two schemas that must both hold, as one."""
    made = {**other, **one}
    if "properties" in one or "properties" in other:
        made["properties"] = {**other.get("properties", {}), **one.get("properties", {})}
        made["type"] = "object"
    needed = [*_list(one.get("required")), *_list(other.get("required"))]
    if needed:
        made["required"] = sorted(set(map(str, needed)))
    return made


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(text: Any) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", str(text)).strip("_")[:64] or "call"


def _auth(document: dict[str, Any]) -> str:
    holder = document.get("components") if "openapi" in document else document
    schemes = (
        holder.get("securitySchemes" if "openapi" in document else "securityDefinitions")
        if isinstance(holder, dict)
        else None
    )
    kinds = (
        [s.get("type") for s in schemes.values() if isinstance(s, dict)] if isinstance(schemes, dict) else []
    )
    return ", ".join(dict.fromkeys(str(kind) for kind in kinds if kind))
