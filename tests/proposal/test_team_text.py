"""What comes of templates: the values they see, how these are shown, and what gives way where there is little room."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from imagebot.image.reference import parse_repository
from imagebot.proposal.commit import describe_changes
from imagebot.proposal.group import GroupKey, GroupKind
from imagebot.proposal.moves import make_moves
from imagebot.proposal.plan import Group, make_changes
from imagebot.proposal.team_text import make_samples, make_values, write_commit_text, write_description, write_title
from imagebot.proposal.template import InvalidTemplate, Template
from imagebot.proposal.text import Backdrop, make_text
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices, make_entry, make_group
from tests.proposal.examples import describe

_TAGS = {"acme/api": ["1.4.1", "1.5.0"], "acme/web": ["1.0.0", "2.0.0"]}
_BACKDROP = Backdrop("p.yaml")


def _make_one(path: str = "a.yaml") -> Group:
    return make_group(make_choices({path: b"image: acme/api:1.4.1\n"}, _TAGS, [make_entry("*", ">=0", name="e")]))


def _make_two(path: str = "a.yaml") -> Group:
    files = {path: b"image: acme/api:1.4.1\n---\nimage: acme/web:1.0.0\n"}
    changes = make_changes(make_choices(files, _TAGS, [make_entry("*", ">=0", name="e", line=7)]))
    return Group(GroupKey(GroupKind.NAMED, "backend"), "imagebot/group-backend", changes)


def _shape(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _shape(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return _shape(value[0])
    return "x" if isinstance(value, (str, int)) else value


def test_templates_are_checked_against_what_they_will_see():
    for group in (_make_one(), _make_two()):
        values = {**make_values(group, make_moves(group, {}), policy_file="p"), "text": "x"}

        assert [_shape(sample) for sample in make_samples(is_description=False)] == [_shape(values)] * 2


def test_the_values_of_one_image():
    values = make_values(_make_one(), make_moves(_make_one(), {}), policy_file="p")

    place = {"file": "a.yaml", "line": 1, "entry": "e", "policy": "semver: >=0", "entry_file": "p", "entry_line": 1}
    texts = {"name": "acme/api", "old": "1.4.1", "new": "1.5.0", "jump": "minor", "since": "2026-03-01"}
    assert values == {
        "title": "Update acme/api from 1.4.1 to 1.5.0",
        "image": "acme/api",
        "old": "1.4.1",
        "new": "1.5.0",
        "jump": "minor",
        "group": "",
        "branch": "imagebot/docker.io-acme-api",
        "images": ({**texts, "source": "", "changes": "", "release": "", "places": (place,)},),
    }


def test_the_values_of_several_images():
    values = make_values(_make_two(), make_moves(_make_two(), {}), policy_file="p")

    assert (values["image"], values["old"], values["new"]) == ("", "", "")
    assert (values["jump"], values["group"]) == ("major", "backend")


@pytest.mark.parametrize(
    ("template", "title"),
    [
        pytest.param(
            "chore: {{ title }}", "chore: Update acme/api from 1.4.1 to 1.5.0", id="around the built-in title"
        ),
        pytest.param(
            "{{ image }} {{ old }} -> {{ new }} ({{ jump }})", "acme/api 1.4.1 -> 1.5.0 (minor)", id="of values"
        ),
        pytest.param("  a\n\n b\t{{ new }}\r\n", "a b 1.5.0", id="on several lines"),
        pytest.param("a\x07b\u2028c", "abc", id="with characters that are none of a title"),
    ],
)
def test_a_title_is_one_line(template, title):
    assert write_title(Template(template), _make_one(), policy_file="p") == title


def test_a_commit_message_is_the_whole_of_it():
    template = Template("fix: {{ new }}\n\n{{ text }}\n\n{% for i in images %}{{ i.name }}{% endfor %}  \n")

    written = write_commit_text(template, _make_one(), policy_file="p")

    assert written == f"fix: 1.5.0\n\n{describe_changes(_make_one())}\n\nacme/api"


def test_a_description_may_hold_the_built_in_one():
    group, template = _make_two(), Template("Ask @acme/platform.\n\n{{ text }}")

    written = write_description(template, group, _BACKDROP, limit=60_000)

    assert written == f"Ask @acme/platform.\n\n{make_text(group, _BACKDROP).body}".strip()


def test_the_parts_of_the_built_in_description_are_the_whole():
    parts = "\n\n".join(f"{{{{ text_{name} }}}}" for name in ("cautions", "images", "places", "reasons", "options"))

    written = write_description(Template(parts), _make_two(), _BACKDROP, limit=60_000)

    assert written == make_text(_make_two(), _BACKDROP).body.strip()


def test_addresses_of_images_are_there_in_a_description():
    source = "https://github.com/acme/api"
    old, new = (
        describe(digest, 1, source=source, version=v) for digest, v in ((DIGEST_1, "v1.4.1"), (DIGEST_2, "v1.5.0"))
    )
    backdrop = replace(_BACKDROP, descriptions={parse_repository("acme/api"): {"1.4.1": old, "1.5.0": new}})
    template = Template(
        "{% for i in images %}[x]({{ i.changes }}) [y]({{ i.release }}) [z]({{ i.source }}){% endfor %}"
    )

    written = write_description(template, _make_one(), backdrop, limit=60_000)

    assert written == f"[x]({source}/compare/v1.4.1...v1.5.0) [y]({source}/releases/tag/v1.5.0) [z]({source})"


_HOSTILE = "`**b** <b>@all #1 !2 | [x](y) <!-- \u202e\n/merge"


def test_values_are_text_in_a_description():
    template = Template("{{ images[0].places[0].file }}\n\n- *{{ images[0].places[0].file }}*")
    body = write_description(template, _make_one(_HOSTILE), _BACKDROP, limit=60_000)

    tokens = [
        child for token in MarkdownIt("gfm-like", {"linkify": False}).parse(body) for child in token.children or []
    ]

    assert [each.type for each in tokens] == ["code_inline", "em_open", "code_inline", "em_close"]


@pytest.mark.parametrize("write", [write_title, write_commit_text])
def test_values_are_text_in_titles_and_commits(write):
    written = write(Template("{{ images[0].places[0].file }}"), _make_one(_HOSTILE), policy_file="p")

    assert "\n" not in written
    assert not any(sign in written for sign in ("@all", "#1", "!2", "[x]", "`", "<!--", "\u202e"))


@pytest.mark.parametrize(
    ("template", "written"),
    [
        pytest.param("/merge", r"\/merge", id="at the beginning"),
        pytest.param("a\n  /approve\n/label ~x", "a\n  \\/approve\n\\/label ~x", id="on other lines"),
        pytest.param("a\r/close", "a\n\\/close", id="behind an old line break"),
        pytest.param("a /merge", "a /merge", id="within a line"),
        pytest.param("{% if true %}/{% endif %}merge", r"\/merge", id="put together"),
        pytest.param("x <!-- imagebot {} -->", "x &lt;!-- imagebot {} -->", id="a comment like the block"),
    ],
)
def test_what_a_template_says_itself_is_no_command(template, written):
    assert write_description(Template(template), _make_one(), _BACKDROP, limit=60_000) == written


def test_what_is_built_in_gives_way_to_what_the_team_wrote():
    files = {f"{'y' * 150}{n}.yaml": b"image: acme/api:1.4.1\n" for n in range(300)}
    group = make_group(make_choices(files, _TAGS))

    written = write_description(Template("Ours: " + "x" * 3000 + "\n\n{{ text }}"), group, _BACKDROP, limit=8000)

    assert 6000 < len(written) <= 8000
    assert written.startswith("Ours: xxx")
    assert "**To say no,**" in written


@pytest.mark.parametrize(
    ("template", "limit", "reason"),
    [
        pytest.param("x" * 3000, 2000, "what it writes has more than 2000 characters", id="too much of its own"),
        pytest.param(
            "x" * 1900 + "{{ text }}", 2000, "what it writes has more than 2000 characters", id="no room left"
        ),
        pytest.param("{{ group }}", 2000, "it writes nothing", id="nothing"),
        pytest.param(" \n\x00 ", 2000, "it writes nothing", id="nothing that is seen"),
    ],
)
def test_what_cannot_be_a_description_is_a_fault(template, limit, reason):
    with pytest.raises(InvalidTemplate) as raised:
        write_description(Template(template), _make_one(), _BACKDROP, limit=limit)

    assert raised.value.reason == reason
