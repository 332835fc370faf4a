"""Markdown pages, tool lists, records of collections, and the real files of the shared folder."""

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tastemaker.errors import InputError
from tastemaker.tools.importers import read

DATA = Path(os.environ.get("TASTEMAKER_DATA", ""))

PAGE = """# APIs
### Animals
API | Description | Auth | HTTPS
|:---|:---|:---|:---|
| [Cat Facts](https://cats.example) | Daily *cat* facts | No | Yes |
| [Dogs](https://dogs.example) | Pictures of dogs | `apiKey` | Yes |
## Weather
- [Sky](https://sky.example) - Forecasts for cities
"""


def test_a_markdown_page(tmp_path: Path) -> None:
    (tmp_path / "list.md").write_text(PAGE)
    found = [(d.domain, d.name, d.description, d.auth) for d in read(tmp_path / "list.md")]
    assert found == [
        ("Animals", "Cat Facts", "Daily cat facts", ""),
        ("Animals", "Dogs", "Pictures of dogs", "apiKey"),
        ("Weather", "Sky", "Forecasts for cities", ""),
    ]
    (tmp_path / "empty.md").write_text("# Nothing\n")
    with pytest.raises(InputError, match="no list of APIs"):
        read(tmp_path / "empty.md")


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    "value",
    [
        [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
        {"tools": [{"name": "f", "description": "d", "inputSchema": SCHEMA}]},
        {
            "jsonrpc": "2.0",
            "id": 1,
            "result": {"tools": [{"name": "f", "description": "d", "inputSchema": SCHEMA}]},
        },
        [{"name": "f", "description": "d", "parameters": {**SCHEMA, "type": "dict"}}],
    ],
)
def test_tool_lists_in_their_common_forms(tmp_path: Path, value: object) -> None:
    (tmp_path / "server.json").write_text(json.dumps(value))
    (document,) = read(tmp_path / "server.json")
    assert [(t.name, t.description, t.parameters) for t in document.tools] == [("f", "d", SCHEMA)]


def test_a_rapid_api_record(tmp_path: Path) -> None:
    record = {
        "category_name": "Video_Images",
        "tool_name": "Tube",
        "api_name": "Get Video!",
        "api_description": "One video",
        "required_parameters": [{"name": "id", "type": "STRING", "description": "which", "default": "x1"}],
        "optional_parameters": [{"name": "n", "type": "NUMBER", "description": "", "default": ""}],
        "template_response": {"title": "str", "tags": ["str"], "views": "int"},
    }
    (tmp_path / "rapid.json").write_text(json.dumps([{"query": "q", "api_list": [record, record]}]))
    (document,) = read(tmp_path / "rapid.json")
    (tool,) = document.tools
    assert (document.name, document.domain, tool.name) == ("Tube", "Video Images", "Get_Video")
    assert tool.parameters["properties"] == {
        "id": {"type": "string", "description": "which", "examples": ["x1"]},
        "n": {"type": "number"},
    }
    assert tool.parameters["required"] == ["id"]
    assert tool.result == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "views": {"type": "integer"},
        },
    }


@pytest.mark.parametrize(
    ("name", "documents", "tools"),
    [
        ("restbench/specs/spotify_oas.json", 1, 40),
        ("restbench/specs/tmdb_oas.json.gz", 1, 54),
        ("toolalpaca/eval_real.json", 11, 30),
        ("toolalpaca/eval_simulated.json", 10, 40),
        ("toolalpaca/public_apis.json", 1425, 0),
        ("public-apis/README.md", 1400, 0),
        ("stabletoolbench/test_instruction/G3_instruction.json", 7, 30),
        ("stabletoolbench/steptool/G123_example.json", 5, 20),
        ("metatool/plugin_des.json", 199, 0),
        ("metatool/plugin_info.json", 390, 0),
        ("metatool/big_tool_des.json", 47, 0),
    ],
)
def test_real_files(name: str, documents: int, tools: int) -> None:
    """Numbers of documents and tools at least as large as the pages that describe these files say."""
    if not os.environ.get("TASTEMAKER_DATA") or not (DATA / name).exists():
        pytest.skip(f"{name} is not in TASTEMAKER_DATA")
    found = read(DATA / name)
    specs = [spec for document in found for spec in document.tools]
    assert len(found) >= documents
    assert len(specs) >= tools
    for spec in specs:
        Draft202012Validator.check_schema(spec.parameters)
        assert set(spec.parameters.get("required", ())) <= set(spec.parameters["properties"])
