"""The JSON Schemas: they take the samples, know every key and type, and show defaults as a file would have them."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from imagebot.settings.json_schema import make_schema_of_policy_file, make_schema_of_settings
from imagebot.settings.yaml_source import Data, read_document

_CONFIG = Path(__file__).parents[2] / "config"
_SCHEMAS = {"policy": json.loads(make_schema_of_policy_file()), "settings": json.loads(make_schema_of_settings())}


def _find_faults(which: str, text: bytes) -> list[str]:
    """List where the schema finds faults."""
    validator = jsonschema_rs.Draft202012Validator(_SCHEMAS[which])
    value: Data = read_document(text, file="x").root.value
    errors = validator.iter_errors(json.loads(json.dumps(value)))
    return sorted({"/".join(map(str, each.instance_path)) for each in errors})


@pytest.mark.parametrize(("which", "file"), [("policy", ".imagebot.yaml"), ("settings", "imagebot.yaml")])
def test_the_samples_are_taken(which: str, file: str):
    assert _find_faults(which, (_CONFIG / file).read_bytes()) == []


@pytest.mark.parametrize(
    ("which", "text", "place"),
    [
        pytest.param("policy", "version: 1\nimage: []", "", id="an unknown key"),
        pytest.param("policy", "images: []", "", id="a key that is missing"),
        pytest.param("policy", "version: 2\nimages: []", "version", id="another version"),
        pytest.param("policy", "version: 1\nimages: [{image: a}]", "images/0", id="an entry without policy"),
        pytest.param(
            "policy", "version: 1\nmerge_requests: {draft: yes}", "merge_requests/draft", id="a text for true"
        ),
        pytest.param("policy", "version: 1\nmerge_requests: {group_by: x}", "merge_requests/group_by", id="no choice"),
        pytest.param(
            "policy", "version: 1\nmerge_requests: {auto_merge: true}", "merge_requests/auto_merge", id="true"
        ),
        pytest.param("policy", "version: 1\nmerge_requests: {max_open: 0}", "merge_requests/max_open", id="too little"),
        pytest.param(
            "policy", "version: 1\nmerge_requests: {title: 1}", "merge_requests/title", id="a number for a text"
        ),
        pytest.param("settings", "timeout: 30", "timeout", id="a number without unit"),
        pytest.param("settings", "targets: [{branch: main}]", "targets/0", id="a target without its URL"),
    ],
)
def test_what_is_no_such_file_is_refused_where_it_is_at_fault(which: str, text: str, place: str):
    assert _find_faults(which, text.encode()) == [place]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "version: 1\nmerge_requests: {max_open: null, title: null, auto_merge: false}", id="null and false"
        ),
        pytest.param('version: 1\nsites: [{files: "a/{b}", image: c, tag: .}]', id="one pattern of files"),
        pytest.param('version: 1\nsites: [{files: ["a/{b}"], image: c, tag: .}]', id="a list of them"),
    ],
)
def test_what_may_be_several_things_may_be_each(text: str):
    assert _find_faults("policy", text.encode()) == []


def test_defaults_are_what_a_file_would_hold():
    keys = _SCHEMAS["policy"]["$defs"]["MergeRequestsSection"]["properties"]
    settings = _SCHEMAS["settings"]["properties"]

    assert {
        key: keys[key].get("default") for key in ("branch_prefix", "group_by", "draft", "max_open", "auto_merge")
    } == {
        "branch_prefix": "imagebot/",
        "group_by": "image",
        "draft": False,
        "max_open": 10,
        "auto_merge": None,  # no text, so not the member's value
    }
    assert "default" not in settings["timeout"]
    assert settings["parallel_polls"]["default"] == 8


@pytest.mark.parametrize("which", ["policy", "settings"])
def test_every_key_says_what_is_accepted(which: str):
    sections = [_SCHEMAS[which], *_SCHEMAS[which]["$defs"].values()]

    silent = [
        key
        for section in sections
        for key, value in section.get("properties", {}).items()
        if not {"description", "$ref", "items", "anyOf", "oneOf", "additionalProperties", "enum", "const"}
        & value.keys()
    ]

    assert silent == []
