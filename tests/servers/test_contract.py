"""The contract checker sees what does not fit a description, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses

from tests.servers.contract import Contract

URL = "http://127.0.0.1:9/api"
DESCRIPTION = """
paths:
  /things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      parameters:
        - $ref: '#/components/parameters/Page'
        - {name: state, in: query, required: true, schema: {type: string, enum: [open, closed]}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
    put:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Change'}}}}
      responses:
        '202': {description: taken}
components:
  parameters:
    Page: {name: page, in: query, schema: {type: integer}}
  schemas:
    Thing:
      type: object
      required: [title, at]
      properties:
        title: {type: string}
        nullable: {type: boolean}
        at: {type: string, format: date-time, nullable: true}
        part: {nullable: true, allOf: [{$ref: '#/components/schemas/Change'}]}
    Change: {type: object, properties: {title: {type: string, maxLength: 5}}}
"""
GOOD = {"title": "x", "at": None, "part": None}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    (tmp_path / "api.yaml").write_text(DESCRIPTION)
    return Contract(tmp_path / "api.yaml")


@pytest.fixture
def server(contract: Contract) -> Iterator[responses.RequestsMock]:
    """Answers in place of a server, which could not be made to break its own description."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as server,
        contract.watch(URL, is_exempt=lambda response: "X-Exempt" in response.headers),
    ):
        yield server


def answer(server: responses.RequestsMock, status: int = 200, body: object = GOOD, **headers: str) -> None:
    for method in ("GET", "PUT"):
        server.add(method, f"{URL}/things/1", status=status, json=body, headers=headers)


def test_what_fits_is_no_fault(contract: Contract, server: responses.RequestsMock):
    answer(server, body={**GOOD, "at": "2025-01-01T00:00:00Z", "nullable": True, "more": 1})

    requests.get(f"{URL}/things/1?state=open&page=2", timeout=1)

    assert contract.faults == []
    assert contract.used == {"GET /things/{id}"}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        pytest.param("", "query state is missing", id="a parameter is missing"),
        pytest.param("?state=open&x=1", "unknown query parameter x", id="an unknown parameter"),
        pytest.param("?state=new", 'query state: "new" is not one of "open" or "closed"', id="a value is unknown"),
        pytest.param("?state=open&page=x", 'query page: "x" is not of type "integer"', id="a value of another type"),
    ],
)
def test_faults_of_a_query(query: str, fault: str, contract: Contract, server: responses.RequestsMock):
    answer(server)

    requests.get(f"{URL}/things/1{query}", timeout=1)

    assert contract.faults == [f"GET /things/{{id}}: {fault}"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param(
            {"name": "x"}, "body: Additional properties are not allowed ('name' was unexpected)", id="unknown"
        ),
        pytest.param({"title": "longer"}, 'body/title: "longer" is longer than 5 characters', id="too long"),
    ],
)
def test_faults_of_a_body(body: object, fault: str, contract: Contract, server: responses.RequestsMock):
    answer(server, status=202)

    requests.put(f"{URL}/things/1", json=body, timeout=1)

    assert contract.faults == [f"PUT /things/{{id}}: {fault}"]


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        pytest.param(200, {"at": None}, 'answer 200: "title" is a required property', id="a field is missing"),
        pytest.param(200, {**GOOD, "title": None}, 'answer 200/title: null is not of type "string"', id="null"),
        pytest.param(206, GOOD, "answer 206 is not described", id="another status"),
    ],
)
def test_faults_of_an_answer(status: int, body: object, fault: str, contract: Contract, server: responses.RequestsMock):
    answer(server, status, body)

    requests.get(f"{URL}/things/1?state=open", timeout=1)

    assert contract.faults == [f"GET /things/{{id}}: {fault}"]


def test_an_operation_that_is_not_there_is_a_fault(contract: Contract, server: responses.RequestsMock):
    server.add("DELETE", f"{URL}/things/1")

    requests.delete(f"{URL}/things/1", timeout=1)

    assert contract.faults == ["DELETE /things/1: no such operation"]


def test_an_exempt_answer_is_not_looked_at(contract: Contract, server: responses.RequestsMock):
    answer(server, 200, {}, **{"X-Exempt": "yes"})

    requests.get(f"{URL}/things/1?state=open", timeout=1)

    assert contract.faults == []


def test_other_addresses_are_not_looked_at(contract: Contract, server: responses.RequestsMock):
    server.add("GET", "http://127.0.0.1:9/elsewhere")

    requests.get("http://127.0.0.1:9/elsewhere", timeout=1)

    assert contract.faults == []
