"""The settings and the policy file as JSON Schemas, for editors and other programs that complete and check such files.

They are made of the models that validate. A schema says which keys there are, of which types, and in words what a text
has to be; whether it is that, and what goes together, only imagebot itself says.
"""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from imagebot.settings.operator import Settings
from imagebot.settings.policy_file import PolicyFileSection
from imagebot.settings.section import Section

_TYPES: Mapping[str, type] = {"string": str, "boolean": bool, "integer": int, "number": float}


class _Generator(GenerateJsonSchema):
    """Makes schemas without titles, and with those defaults that could stand in a file."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as in pydantic
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        default = default.value if isinstance(default, Enum) else default
        return {**inner, "default": default} if default is not None and _fits(default, inner) else inner

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Let null be one more type, so that what is said of the value is said of the key."""
        inner = self.generate_inner(schema["schema"])
        kind = inner.get("type")
        return {**inner, "type": [kind, "null"]} if isinstance(kind, str) else super().nullable_schema(schema)


def _fits(default: object, schema: Mapping[str, Any]) -> bool:
    """Say whether a default is what a file would hold: of what is made of a text, it is something else."""
    if "enum" in schema:
        return default in schema["enum"]
    kinds = schema.get("type", ())
    return any(type(default) is _TYPES.get(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def make_schema_of_policy_file() -> str:
    return _make_schema(PolicyFileSection, "The policy file of imagebot")


def make_schema_of_settings() -> str:
    return _make_schema(Settings, "The settings of imagebot")


def _make_schema(model: type[Section], title: str) -> str:
    """Make the JSON Schema (draft 2020-12) of a file that holds the model."""
    made = model.model_json_schema(schema_generator=_Generator)
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **made, "title": title}, indent=2) + "\n"
