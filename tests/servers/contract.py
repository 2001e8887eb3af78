"""Checks what clients send a forge, and what it answers, against an OpenAPI description of the forge.

Such a description is not part of the project. `find_contract` looks for it in a folder beside the project, or in the
one that IMAGEBOT_CONTRACTS names; where none is given, tests run all the same, only unchecked.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import requests
import yaml

# Any operation may answer these, described or not.
_COMMON_STATUSES = {301, 307, 401, 403, 404, 405, 409, 410, 422, 429, 500, 502, 503}
_METHODS = {"get", "put", "post", "patch", "delete"}
# Said by OpenAPI 3.0 but not by JSON Schema, or of no weight for a check.
_ANNOTATIONS = {"nullable", "discriminator", "example", "xml", "deprecated", "readOnly", "writeOnly", "description"}


def find_contract(name: str) -> Path | None:
    """Return the path of a description such as `gitlab-rest.yaml`, or None if there is none here."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "contracts"
    path = Path(os.environ.get("IMAGEBOT_CONTRACTS", beside)) / name
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path template, with what may be sent and answered."""

    name: str
    template: str
    pattern: re.Pattern[str]
    query: Mapping[str, Mapping[str, Any]]
    body: Mapping[str, Any] | None
    responses: Mapping[str, Any]


class Contract:
    """The operations of one description; what breaks it is gathered in `faults`, what was used in `used`."""

    def __init__(self, path: Path, *, undescribed: Collection[str] = ()) -> None:
        """Read a description; `undescribed` are operations that it leaves out, as `GET /things/{id}`."""
        self._undescribed = [_make_pattern(*each.split(" ")) for each in undescribed]
        self._document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        self._components = _as_json_schema(self._document["components"])
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        # A template with fewer parameters is the closer match.
        self._operations = sorted(self._list_operations(), key=lambda operation: operation.template.count("{"))
        self.faults: list[str] = []
        self.used: set[str] = set()

    @contextmanager
    def watch(self, url: str, *, is_exempt: Callable[[requests.Response], bool]) -> Iterator[None]:
        """Check all that goes through `requests` to what is below the URL; of exempt answers only the request."""
        real = requests.adapters.HTTPAdapter.send

        def send(adapter: Any, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            is_watched = str(request.url).startswith(url)
            operation = self._check_request(request, url) if is_watched else None
            response = real(adapter, request, *args, **kwargs)
            if operation is not None and not is_exempt(response):
                self._check_response(operation, response)
            return response

        requests.adapters.HTTPAdapter.send = send  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            requests.adapters.HTTPAdapter.send = real  # type: ignore[method-assign]

    def _list_operations(self) -> Iterator[Operation]:
        for template, item in self._document["paths"].items():
            for method in _METHODS & item.keys():
                node = item[method]
                given = [self._resolve(each) for each in (*item.get("parameters", ()), *node.get("parameters", ()))]
                content = self._resolve(node.get("requestBody", {})).get("content", {})
                yield Operation(
                    f"{method.upper()} {template}",
                    template,
                    _make_pattern(method.upper(), template),
                    {each["name"]: each for each in given if each["in"] == "query"},
                    content.get("application/json", {}).get("schema"),
                    node["responses"],
                )

    def _resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _check_request(self, request: requests.PreparedRequest, url: str) -> Operation | None:
        parts = urlsplit(str(request.url))
        line = f"{request.method} {parts.path.removeprefix(urlsplit(url).path)}"
        operation = next((each for each in self._operations if each.pattern.fullmatch(line)), None)
        if operation is None:
            if not any(pattern.fullmatch(line) for pattern in self._undescribed):
                self.faults.append(f"{line}: no such operation")
            return None
        self.used.add(operation.name)
        sent = parse_qsl(parts.query, keep_blank_values=True)
        for name, text in sent:
            self._check_parameter(operation, name, text)
        names = {name for name, _ in sent}
        missing = [n for n, node in operation.query.items() if node.get("required") and n not in names]
        self.faults += [f"{operation.name}: query {name} is missing" for name in missing]
        self._check_body(operation, request.body)
        return operation

    def _check_parameter(self, operation: Operation, name: str, text: str) -> None:
        node = operation.query.get(name) or operation.query.get(name.removesuffix("[]"))
        if node is None:
            self.faults.append(f"{operation.name}: unknown query parameter {name}")
            return
        kind = node["schema"].get("type")
        is_literal = kind in {"integer", "number", "boolean"} and re.fullmatch(r"-?\d+(\.\d+)?|true|false", text)
        self._validate(f"{operation.name}: query {name}", node["schema"], json.loads(text) if is_literal else text)

    def _check_body(self, operation: Operation, body: bytes | str | None) -> None:
        if not body:
            return
        if operation.body is None:
            self.faults.append(f"{operation.name}: takes no body")
            return
        # Forges ignore what they do not know; a client has no reason to send it.
        self._validate(f"{operation.name}: body", self._resolve(operation.body), json.loads(body), is_closed=True)

    def _check_response(self, operation: Operation, response: requests.Response) -> None:
        status = response.status_code
        known = operation.responses
        node = known.get(str(status)) or known.get(f"{status // 100}XX") or known.get("default")
        where = f"{operation.name}: answer {status}"
        if node is None:
            if status not in _COMMON_STATUSES:
                self.faults.append(f"{where} is not described")
            return
        schema = self._resolve(node).get("content", {}).get("application/json", {}).get("schema")
        is_json = "json" in response.headers.get("Content-Type", "")
        if schema is not None and is_json:
            self._validate(where, schema, response.json())
        elif schema is not None and status < 300:
            self.faults.append(f"{where} is no JSON")

    def _validate(self, where: str, schema: Mapping[str, Any], value: object, *, is_closed: bool = False) -> None:
        key = json.dumps([schema, is_closed])
        if key not in self._validators:
            closed = {"additionalProperties": False} if is_closed else {}
            whole = {"components": self._components, **_as_json_schema({**schema, **closed})}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for fault in self._validators[key].iter_errors(value):
            place = "".join(f"/{part}" for part in fault.instance_path)
            self.faults.append(f"{where}{place}: {fault.message[:200]}")


def _make_pattern(method: str, template: str) -> re.Pattern[str]:
    return re.compile(f"{method} " + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))


def _as_json_schema(node: Any, *, is_names: bool = False) -> Any:
    """Translate from OpenAPI 3.0's dialect: `nullable` becomes an alternative, annotations go.

    Below `properties` and `schemas` the keys are names, not keywords.
    """
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = node if is_names else {key: value for key, value in node.items() if key not in _ANNOTATIONS}
    schema = {
        key: _as_json_schema(value, is_names=not is_names and key in {"properties", "schemas"})
        for key, value in kept.items()
    }
    return {"anyOf": [{"type": "null"}, schema]} if node.get("nullable") is True and not is_names else schema
