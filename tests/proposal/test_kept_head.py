"""What the files of a head say is read back as it was from its text."""

import json
from dataclasses import replace

import pytest

from imagebot.policy.entry import Entry
from imagebot.proposal.kept_head import KeptHead, format_head, parse_head, parse_policy
from imagebot.proposal.survey import Governed, Survey, Unread, govern
from imagebot.yamledit.columns import pack
from imagebot.yamledit.kept import Found, NoYaml
from imagebot.yamledit.locate import locate
from tests.proposal.builders import make_entry

POLICY = "version: 1 # ü\n".encode()
# Two that are equal, for a policy file may say the same twice.
ENTRIES = [make_entry("redis", "^1"), make_entry("nginx", "^1"), make_entry("nginx", "^1")]
FILES: dict[str, Found] = {
    "a/ü\n.yaml": NoYaml(1, 2, "no YAML"),
    "b.yaml": locate(b"image: nginx:1.2\nother: {image: $TAG}\n"),
    "c.yaml": locate(b"image: nginx:1.2\n"),
    "d.yaml": locate(b"- image: web:3\n- image: redis:1.2\n"),
}
SURVEY = govern(FILES, ENTRIES)
HEAD = KeptHead(
    {path: 40 * path[0] for path in FILES},
    replace(SURVEY, unreadable=(Unread("link", None, None, "a symbolic link"), *SURVEY.unreadable)),
)
NOTHING = Survey((), (), (), (), frozenset())


def _format(head: KeptHead, policy: bytes = POLICY) -> str:
    return format_head(head, policy=policy, entries=ENTRIES)


def _parse(text: str, entries: list[Entry] = ENTRIES) -> KeptHead | None:
    return parse_head(text, entries=entries)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD, id="files of all kinds"),
        pytest.param(KeptHead({}, NOTHING), id="no files"),
        pytest.param(KeptHead({"\udce9": "1"}, NOTHING), id="a file of which nothing is said"),
    ],
)
def test_a_head_is_read_back(head):
    assert _parse(_format(head)) == head


def test_what_is_read_back_has_the_very_entries():
    head = _parse(_format(HEAD))

    assert head is not None
    assert [ENTRIES.index(each.entry) for each in head.survey.governed] == [1, 1, 0]
    assert all(any(each.entry is entry for entry in ENTRIES) for each in head.survey.governed)
    assert [(path, str(each.reference)) for path, each in head.survey.ungoverned] == [("d.yaml", "web:3")]


def test_the_repositories_are_known_before_any_place_is_made(monkeypatch):
    monkeypatch.setattr(Governed, "__init__", lambda *_: pytest.fail("a place was made"))

    head = _parse(_format(HEAD))

    assert head is not None
    assert {each.familiar for each in head.survey.repositories} == {"nginx", "redis"}
    assert (len(head.survey.governed), len(head.survey.ungoverned)) == (3, 1)


@pytest.mark.parametrize("policy", [POLICY, b"", b"\xff\xfe\x00\n"])
def test_a_policy_file_of_any_bytes_is_read_back(policy):
    assert parse_policy(_format(HEAD, policy)) == policy


@pytest.mark.parametrize("text", ["", "null\n", '"€"\n', '"cut', 100_000 * "["])
def test_a_text_of_another_form_has_no_policy_file(text):
    assert parse_policy(text) is None


FIRST, FACTS = _format(HEAD).split("\n")
DOCUMENT = json.loads(FACTS)


def _change(table: int, column: int, value: object) -> str:
    facts = json.loads(FACTS)
    facts[table][column] = value
    return f"{FIRST}\n{json.dumps(facts)}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(FIRST, id="no second line"),
        pytest.param(f"{FIRST}\nnull", id="no facts"),
        pytest.param(f"{FIRST}\n{FACTS[:-1]}", id="cut off"),
        pytest.param(f"{FIRST}\n{json.dumps([*DOCUMENT, []])}", id="one fact more"),
        pytest.param(f"{FIRST}\n{json.dumps([*DOCUMENT[:-1], []])}", id="no tables"),
        pytest.param(_change(0, 0, ["a", "b", "c", 1]), id="a path that is a number"),
        pytest.param(_change(0, 1, ["1", "2", "3"]), id="a blob less"),
        pytest.param(_change(0, 1, ["1", "2", "3", 4]), id="a blob that is a number"),
        pytest.param(_change(1, 0, pack([1, 2, 4])), id="a file that is not there"),
        pytest.param(_change(1, 0, [1, 2, 3]), id="files that are no packed numbers"),
        pytest.param(_change(1, 0, pack([1, 2])), id="a file less"),
        pytest.param(_change(1, 1, pack([1, 1])), id="an entry less"),
        pytest.param(_change(1, 1, pack([1, 1, 3])), id="an entry that is not there"),
        pytest.param(_change(1, 2, pack([0, 1, 9])), id="an occurrence that is not there"),
        pytest.param(_change(1, 2, "AAAA"), id="half a number"),
        pytest.param(_change(2, 0, ""), id="an occurrence too many"),
        pytest.param(_change(2, 0, pack([3, 3])), id="an occurrence too few"),
        pytest.param(_change(3, 3, []), id="left alone without a reason"),
        pytest.param(_change(3, 1, ["1"]), id="left alone in a line that is no number"),
        pytest.param(_change(4, 0, ["b"]), id="an unread file less"),
    ],
)
def test_a_text_of_another_form_is_none(text):
    assert _parse(text) is None
