"""OpenAPI and Swagger documents become tools; references stay inside, in no circle."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tastemaker.errors import InputError
from tastemaker.tools.importers import read

THREE = {
    "openapi": "3.0.0",
    "info": {"title": "Pets"},
    "paths": {
        "/pets/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Id"}],
            "put": {
                "operationId": "updatePet",
                "summary": "Change what is known of a pet",
                "parameters": [
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": "50"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
                },
            },
        }
    },
    "components": {
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "Pet": {
                "allOf": [
                    {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                    {
                        "properties": {
                            "mother": {"$ref": "#/components/schemas/Pet"},
                            "tag": {"nullable": True, "type": "string"},
                        }
                    },
                ]
            }
        },
    },
}


def _write(folder: Path, value: object, name: str = "api.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_an_operation_is_a_tool_with_all_its_arguments(tmp_path: Path) -> None:
    (document,) = read(_write(tmp_path, THREE))
    (tool,) = document.tools
    assert (document.name, tool.name, tool.description) == (
        "Pets",
        "updatePet",
        "Change what is known of a pet",
    )
    assert set(tool.parameters["properties"]) == {"id", "limit", "name", "mother", "tag"}
    assert tool.parameters["required"] == ["id", "name"]
    assert tool.parameters["properties"]["limit"]["maximum"] == 50
    assert tool.parameters["properties"]["tag"]["type"] == ["string", "null"]
    assert tool.result is not None
    assert "$ref" not in json.dumps(tool.model_dump())
    Draft202012Validator.check_schema(tool.parameters)


def test_swagger_2_body_and_form(tmp_path: Path) -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "API"},
        "paths": {
            "/a": {
                "post": {
                    "parameters": [
                        {"name": "x", "in": "formData", "type": "integer", "required": True},
                        {
                            "name": "body",
                            "in": "body",
                            "schema": {"type": "array", "items": {"type": "string"}},
                        },
                    ],
                    "responses": {"200": {"schema": {"type": "boolean"}}},
                }
            }
        },
    }
    (found,) = read(_write(tmp_path, document, "shop.json"))
    (tool,) = found.tools
    assert (found.name, tool.name) == ("shop", "post_a")
    assert tool.parameters["properties"]["x"] == {"type": "integer"}
    assert tool.parameters["properties"]["body"]["type"] == "array"
    assert (tool.parameters["required"], tool.result) == (["x"], {"type": "boolean"})


def test_references_elsewhere_are_not_followed(tmp_path: Path) -> None:
    secret = _write(tmp_path, {"type": "string", "description": "secret"}, "secret.json")
    paths = {"/a": {"get": {"parameters": [{"name": "q", "in": "query", "schema": {"$ref": f"{secret}#/"}}]}}}
    (document,) = read(_write(tmp_path, {"openapi": "3.1.0", "paths": paths}))
    assert "secret" not in json.dumps(document.tools[0].model_dump())


def test_documents_that_explode_stay_small(tmp_path: Path) -> None:
    schemas = {
        f"L{n}": {
            "type": "object",
            "properties": {f"p{k}": {"$ref": f"#/components/schemas/L{n + 1}"} for k in range(9)},
        }
        for n in range(12)
    }
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/L0"}}}}}
    document = {
        "openapi": "3.0.0",
        "paths": {"/a": {"get": {"responses": answer}}},
        "components": {"schemas": schemas},
    }
    (found,) = read(_write(tmp_path, document))
    assert len(json.dumps(found.tools[0].result)) < 60_000


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1, 2]",
        "{}",
        '{"openapi": "3.0.0"}',
        '{"openapi": "3.0.0", "paths": {}}',
        "[" * 100_000,
        '{"tools": [{"description": "nameless"}]}',
        '[{"Name": "x", "Documentation": "{"}]',
    ],
)
def test_bad_files_give_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(_write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "api.json" in str(caught.value)


def test_a_missing_and_a_binary_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.json")
    (tmp_path / "x.json").write_bytes(b"\x80\x81")
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path / "x.json")
    (tmp_path / "y.json").write_bytes(b"\x1f\x8bnot gzip")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "y.json")
