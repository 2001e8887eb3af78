"""The sites of a policy file: what they become, which files are read for them, and their faults with positions."""

import re
from pathlib import Path

import pytest

from imagebot.settings.policy_file import MAX_SITES, InvalidPolicyFile, PolicyFile, parse_policy_file
from imagebot.settings.site_section import SiteSection
from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.sites import make_site
from imagebot.yamledit.yaml_path import parse_yaml_path

_ROOT = Path(__file__).parents[2]


def _parse(text: str) -> PolicyFile:
    return parse_policy_file(f"version: 1\nimages: []\n{text}".encode(), file=".imagebot.yaml")


def _list_faults(text: str) -> list[str]:
    with pytest.raises(InvalidPolicyFile) as raised:
        _parse(text)
    return [str(fault).removeprefix(".imagebot.yaml:") for fault in raised.value.faults]


def test_a_policy_file_needs_no_sites():
    assert _parse("").sites == ()
    assert _parse("sites: []\n").sites == ()


def test_every_key_of_a_site_is_read():
    sites = _parse("""sites:
  - files: "image-tags/{env}/{app}"
    image: ghcr.io/acme/{app}
    tag: .
  # parts
  - files: [a.yaml, "b/**"]
    registry: x.h
    repository: x.y[*].r
    tag: x.y[*].t
    digest: x.y[*]["d.e"]
  - {files: c, reference: 'env[name=IMAGE].value'}
""").sites

    def make(files: list[str], image: str | None, position: int, **paths: str):
        return make_site(
            [parse_file_pattern(text) for text in files],
            None if image is None else parse_image_template(image),
            {part: parse_yaml_path(path) for part, path in paths.items()},
            position=position,
        )

    assert sites == (
        make(["image-tags/{env}/{app}"], "ghcr.io/acme/{app}", 4, tag="."),
        make(
            ["a.yaml", "b/**"],
            None,
            8,
            registry="x.h",
            repository="x.y[*].r",
            tag="x.y[*].t",
            digest="x.y[*].'d.e'",
        ),
        make(["c"], None, 13, reference="env[name=IMAGE].value"),
    )


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        pytest.param("apps/a.yaml", True, id="included"),
        pytest.param("image-tags/api", True, id="of a site, though not included"),
        pytest.param("image-tags/x/api", False, id="of no site"),
        pytest.param("image-tags/old", False, id="of a site, and excluded"),
        pytest.param("other.yaml", False, id="neither"),
    ],
)
def test_the_files_of_sites_are_read_unless_they_are_excluded(path, is_read):
    policy = _parse("""
files: {include: ["apps/**"], exclude: ["**/old"]}
sites:
  - {files: "image-tags/{app}", image: "{app}", tag: .}
""")

    assert policy.includes(path) is is_read


_FILES = 'a pattern of files from the root on, as in "tags/{app}.yaml"'
_PATH = "a YAML path, as in spec.containers[name=web].image"


@pytest.mark.parametrize(
    ("sites", "faults"),
    [
        pytest.param("{}", "3:8: sites: found a mapping; accepted is a list", id="no list"),
        pytest.param(
            "\n- {files: a, image: x, tag: t, tags: u}",
            "4:32: sites[0].tags: found an unknown key; accepted is one of the keys digest, files, image, reference, "
            "registry, repository, tag; the nearest is tag",
            id="an unknown key",
        ),
        pytest.param(
            "\n- {image: x, tag: t}", "4:3: sites[0].files: found no such key; accepted is a list", id="no files"
        ),
        pytest.param(
            "\n- {files: [], image: x, tag: t}",
            "4:11: sites[0].files: found an empty list; accepted is at least one pattern",
            id="an empty list of files",
        ),
        pytest.param(
            "\n- {files: 'a[b]', image: x, tag: t}",
            "4:11: sites[0].files[0]: found 'a[b]' ('[' stands there, and only {name} captures; ? matches any "
            f"character); accepted is {_FILES}",
            id="one pattern that is none",
        ),
        pytest.param(
            "\n- {files: [a, b/, 3], image: x, tag: t}",
            "4:15: sites[0].files[1]: found 'b/' (a slash ends it, and so it names no file; a folder's files are "
            f"folder/**); accepted is {_FILES}\n"
            f'4:19: sites[0].files[2]: found the number 3; accepted is {_FILES}; put it in quotes: "3"',
            id="patterns that are none",
        ),
        pytest.param(
            f"\n- {{files: [{', '.join(33 * 'a')}], image: x, tag: t}}",
            "4:11: sites[0].files: found 33 items; accepted is at most 32 of them",
            id="too many patterns",
        ),
        pytest.param(
            "\n- files: a\n  image: nginx:1.2\n  tag: a..b\n- files: b\n  image: x\n  digest: a[",
            "5:10: sites[0].image: found 'nginx:1.2' (it names a tag or a digest); accepted is a repository, with "
            "captures of the files, as in ghcr.io/acme/{app}\n"
            f"6:8: sites[0].tag: found 'a..b' (at character 2 a key is missing after the dot); accepted is {_PATH}\n"
            "9:11: sites[1].digest: found 'a[' (at character 2 there is a bracket that is open, or holds no index, no "
            f'*, no key in quotes (["a.b"]) and no key=value); accepted is {_PATH}',
            id="all faults at once",
        ),
        pytest.param(
            "\n- {files: a, tag: t}",
            "4:3: sites[0]: found no name; accepted is image, or the path of the repository",
            id="no name",
        ),
        pytest.param(
            "\n- {files: a, image: x}",
            "4:3: sites[0]: found none of them; accepted is the path of tag, digest or reference",
            id="nothing to edit",
        ),
        pytest.param(
            "\n- {files: a, image: x, tag: }",
            "4:3: sites[0]: found none of them; accepted is the path of tag, digest or reference",
            id="null is no path",
        ),
        pytest.param(
            '\n- {files: ["{a}/{b}", "{a}"], image: "{a}/{b}", tag: t}',
            "4:38: sites[0].image: found the capture {b}; accepted is captures that all files have; files[1] is {a}",
            id="a capture that not all files have",
        ),
        pytest.param(
            "\n- {files: a, repository: 'x[*].r', tag: 'x[0].t'}",
            "4:41: sites[0].tag: found x[0].t; accepted is a path that begins with x[*], as another part's does, to "
            "say what belongs together",
            id="parts that do not belong together",
        ),
        pytest.param(
            "\n" + (MAX_SITES + 1) * "- {files: a, image: x, tag: t}\n",
            "4:1: sites: found 201 items; accepted is at most 200 of them",
            id="too many sites",
        ),
    ],
)
def test_faults_of_sites_have_positions(sites, faults):
    assert _list_faults(f"sites: {sites}\n") == faults.splitlines()


def test_the_sample_shows_every_key_of_a_site():
    text = (_ROOT / "config" / ".imagebot.yaml").read_text()

    assert len(parse_policy_file(text.encode(), file="sample").sites) > 1
    assert [key for key in SiteSection.fields_by_key() if f" {key}:" not in text] == []


def test_every_key_of_a_site_is_in_a_table():
    text = (_ROOT / "docs" / "policy-file.md").read_text().partition("## `sites`")[2].partition("\n## ")[0]

    assert SiteSection.fields_by_key().keys() - set(re.findall(r"^\| `([a-z]+)`", text, re.MULTILINE)) == set()


def test_the_yaml_paths_of_the_table_are_paths():
    text = (_ROOT / "docs" / "policy-file.md").read_text().partition("| YAML path |")[2].partition("\n\n")[0]
    paths = [path for row in text.splitlines()[2:] for path in re.findall("`([^`]+)`", row.split(" | ")[0])]

    assert len(paths) > 5
    assert len({parse_yaml_path(path) for path in paths}) == len(paths) - 2  # one key, quoted in three ways
