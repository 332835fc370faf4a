"""From a JSON Schema to a grammar of compact JSON, for the back end that has no such thing (OpenVINO GenAI).

Small models ramble in free white space, which OpenVINO's own JSON Schema decoding allows; here there is none:
`{"a":1,"b":[2,3]}`, properties in the order of the schema. The grammar is written in GBNF, the notation of
llama.cpp. (The torch back end gets the same from llguidance.)

Understood: type (one or several), enum, const, properties/required/additionalProperties, items,
minItems/maxItems, minLength/maxLength, minimum/maximum, anyOf/oneOf, $ref into $defs, and patterns of one
kind: `^Opening[a-z ,]*\\.$`, a sentence that begins in a given way, for small models that else begin with a
number and never end. Where an exact bound would be dear, the grammar is wider and the caller validates:
numbers are bounded where the range spans at most 1000, and lengths of strings are counted in words of 8
characters, because OpenVINO's compiler pays about 15 ms for each place where any word may stand (and seconds,
or minutes while decoding, for a bound on single characters). Other strings end by the model's choice or the
token limit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tastemaker.errors import InputError

_CHAR = r'[^"\\\x00-\x1f] | "\\" ["\\/bfnrt]'
_WORD = r'([^" \\\x00-\x1f] | "\\" ["\\/bfnrt])*'
_DIGITS = 9
_LETTERS_PER_WORD = 8
_PATTERN = r"^Opening[a-z ,]*\.$"
_LONGEST_WORD = 12
_SENTENCE = re.compile(r"\^(?P<opening>[\w ',]+)\[(?P<letters>[^\]\\^\"]+)\]\*\\\.\$")


def to_gbnf(schema: Mapping[str, Any], *, or_text: bool = False) -> str:
    """The grammar of the compact JSON texts that satisfy a schema; with `or_text`, of one or more such texts,
    a line each, and of any text that begins with neither a bracket nor white space.

    Raises InputError for a schema that uses a key word that would be silently ignored (not, prefixItems, …).
    """
    return _Writer(schema, or_text).text()


def to_lark(schema: Mapping[str, Any]) -> str:
    """The same with `or_text`, in the notation of llguidance."""
    compact = {"whitespace_flexible": False, "key_separator": ":", "item_separator": ","}
    value = json.dumps({"x-guidance": compact, **closed(dict(schema))})
    return f'start: text | value ("\\n" value)*\ntext: /[^{{\\[\\s](?s:.)*/\nvalue: %json {value}\n'


def call_schema(tools: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The schema of one call of one of the tools: `{"name": …, "arguments": {…}}`. Tools are (name,
    parameters) pairs."""
    calls: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for name, parameters in tools:
        inner = {key: value for key, value in parameters.items() if key != "$defs"}
        definitions |= parameters.get("$defs", {})
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"const": name}, "arguments": inner},
                "required": ["name", "arguments"],
            }
        )
    return {"anyOf": calls, "$defs": definitions}


def closed(schema: Any) -> Any:
    """The schema with every object that names its properties closed to others, as `to_gbnf` has it."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **parts} if isinstance(schema.get("properties"), dict) else parts


_UNSUPPORTED = {"not", "allOf", "if", "patternProperties", "prefixItems", "contains", "multipleOf"}


class _Writer:
    """Writes one rule for each sub-schema; rule names are numbered in the order of first use."""

    def __init__(self, schema: Mapping[str, Any], or_text: bool) -> None:
        self.definitions: Mapping[str, Any] = schema.get("$defs", {})
        self.rules: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.rules["root"] = ""
        value = self.value(schema)
        self.rules["root"] = rf'[^{{\[ \n\r\t] [^\x00]* | {value} ("\n" {value})*' if or_text else value

    def text(self) -> str:
        return "\n".join(f"{name} ::= {body}" for name, body in self.rules.items()) + "\n"

    def rule(self, body: str) -> str:
        """Name a body; the same body gets the same name."""
        for name, known in self.rules.items():
            if known == body and name != "root":
                return name
        name = f"r{len(self.rules)}"
        self.rules[name] = body
        return name

    def value(self, schema: Mapping[str, Any]) -> str:
        if unsupported := _UNSUPPORTED & schema.keys():
            raise InputError(
                f"constrained decoding does not know the schema key word {sorted(unsupported)[0]!r}"
            )
        if "$ref" in schema:
            return self.reference(schema["$ref"])
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            if not schema["enum"]:
                raise InputError("an enum in a schema is empty: nothing can be answered")
            return self.rule(" | ".join(map(_literal, schema["enum"])))
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.rule(" | ".join(self.value(option) for option in schema[key]))
        kind = schema.get("type")
        if isinstance(kind, list):
            return self.rule(" | ".join(self.value({**schema, "type": one}) for one in kind))
        match kind:
            case "object":
                return self.object(schema)
            case "array":
                return self.array(schema)
            case "string":
                return self.string(schema)
            case "integer":
                return self.integer(schema)
            case "number":
                return self.number(schema)
            case "boolean":
                return self.rule('"true" | "false"')
            case "null":
                return '"null"'
            case None:
                return self.anything()
        raise InputError(f"constrained decoding does not know the schema type {kind!r}")

    def reference(self, target: str) -> str:
        name = target.removeprefix("#/$defs/")
        if name not in self.definitions:
            raise InputError(f"the schema refers to {target!r}, which is not among its $defs")
        if name not in self.references:
            self.references[name] = rule = f"d{len(self.references)}"
            self.rules[rule] = ""
            self.rules[rule] = self.value(self.definitions[name])
        return self.references[name]

    def string(self, schema: Mapping[str, Any]) -> str:
        least, limit = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            return self.sentence(schema["pattern"], limit)
        if limit is None and not least:
            return rf'"\"" {self.rule(_CHAR)}* "\""'
        word, low = self.rule(_WORD), math.ceil(least / _LETTERS_PER_WORD)
        high = "" if limit is None else max(low, limit // _LETTERS_PER_WORD, 1) - 1
        return rf'"\"" {word} (" " {word}){{{max(low - 1, 0)},{high}}} "\""'

    def sentence(self, pattern: str, limit: int | None) -> str:
        """A sentence with a given opening: two words or more after it, commas only between words.

        Words and numbers are bounded: where no further word may follow, a model that wants one would else
        lengthen its last one for ever.
        """
        found = _SENTENCE.fullmatch(pattern)
        if found is None:
            raise InputError(f"constrained decoding knows patterns like {_PATTERN} only, not {pattern!r}")
        letters = re.sub("0-9|[ ,]", "", found["letters"])
        numbers = " | [0-9]{1,4}" if "0-9" in found["letters"] else ""
        word = self.rule(f"[{letters}]{{1,{_LONGEST_WORD}}}{numbers}")
        comma = '","? ' if "," in found["letters"] else ""
        most = 30 if limit is None else max(2, (limit - len(found["opening"])) // _LETTERS_PER_WORD)
        return rf'"\"{found["opening"]} " {word} ({comma}" " {word}){{1,{most - 1}}} ".\""'

    def object(self, schema: Mapping[str, Any]) -> str:
        properties: Mapping[str, Any] = schema.get("properties", {})
        extra = schema.get("additionalProperties", "properties" not in schema)
        if not properties and extra is not False:
            value = self.value(extra) if isinstance(extra, dict) else self.anything()
            pair = self.rule(f'{self.string({})} ":" {value}')
            return self.rule(f'"{{" ({pair} ("," {pair})*)? "}}"')
        return self.rule(
            '"{" ' + self.pairs(list(properties.items()), set(schema.get("required", [])), False) + ' "}"'
        )

    def pairs(self, left: Sequence[tuple[str, Any]], required: set[str], some: bool) -> str:
        """The pairs that may still follow, given whether one stands already (then a comma comes first)."""
        if not left:
            return '""'
        (key, schema), rest = left[0], left[1:]
        pair = (
            _literal(("," if some else "") + json.dumps(key, ensure_ascii=False) + ":", raw=True)
            + " "
            + self.value(schema)
        )
        after = self.pairs(rest, required, True)
        taken = f"{pair} {after}" if rest else pair
        if key in required:
            return taken
        return self.rule(f"{taken} | {after if some else self.pairs(rest, required, False)}")

    def array(self, schema: Mapping[str, Any]) -> str:
        low, high = int(schema.get("minItems", 0)), schema.get("maxItems")
        if high == 0:
            return '"[]"'
        element = self.rule(self.value(schema.get("items", {})))
        times = f"{{{max(low - 1, 0)},{'' if high is None else max(low, high) - 1}}}"
        body = f'{element} ("," {element}){times}'
        return self.rule(f'"[" {body} "]"' if low else f'"[" ({body})? "]"')

    def integer(self, schema: Mapping[str, Any]) -> str:
        low, high = _bounds(schema)
        if low is not None and high is not None and high - low <= 1000:
            if (first := math.ceil(low)) > (last := math.floor(high)):
                raise InputError(f"no whole number lies between {low:g} and {high:g}")
            return self.rule(" | ".join(f'"{number}"' for number in range(first, last + 1)))
        sign = "" if low is not None and low >= 0 else '"-"? '
        return self.rule(f'{sign}("0" | [1-9] [0-9]{{0,{_DIGITS - 1}}})')

    def number(self, schema: Mapping[str, Any]) -> str:
        low, high = _bounds(schema)
        if low is not None and high is not None and 0 <= low <= high and high - low <= 1000:
            whole = [
                f'"{number}" ("." [0-9]{{1,2}})?'
                for number in range(math.ceil(low), math.floor(high) + 1)
                if number + 1 <= high
            ]
            last = [f'"{math.floor(high)}" ("." "0"{{1,2}})?'] if math.floor(high) >= low else []
            if options := whole + last:
                return self.rule(" | ".join(options))
        sign = "" if low is not None and low >= 0 else '"-"? '
        return self.rule(f'{sign}("0" | [1-9] [0-9]{{0,{_DIGITS - 1}}}) ("." [0-9]{{1,6}})?')

    def anything(self) -> str:
        """Any JSON value; nested values through one recursive rule."""
        if "any" not in self.rules:
            self.rules["any"] = ""
            text = self.string({})
            self.rules["any"] = (
                f'{text} | {self.number({})} | "true" | "false" | "null" | "[" (any ("," any)*)? "]" | '
                f'"{{" ({text} ":" any ("," {text} ":" any)*)? "}}"'
            )
        return "any"


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = schema.get("minimum"), schema.get("maximum")
    return (None if low is None else float(low)), (None if high is None else float(high))


def _literal(value: Any, *, raw: bool = False) -> str:
    """A JSON value (or, raw, a text) as a quoted literal of the grammar."""
    text = value if raw else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
