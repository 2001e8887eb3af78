"""The documentation has every key, and what it says of tags is what is done with them."""

import re
from pathlib import Path

import pytest

from imagebot.policy.variant import split_tag
from imagebot.proposal.sandbox import FILTERS
from imagebot.proposal.team_text import make_samples
from imagebot.settings import (
    forge_section,
    merge_requests_section,
    operator,
    policy_file,
    registry_login,
    registry_section,
    service_section,
    signing_section,
)

_FOLDER = Path(__file__).parents[2] / "docs"
_DOCS = _FOLDER / "policy-file.md"


def _read_table() -> list[tuple[str, str]]:
    """Return each tag of the table of variants, with what is said of its row."""
    table = _DOCS.read_text().partition("| tag | to `variant: keep` |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return [(tag, said) for tags, said in rows for tag in re.findall("`([^`]+)`", tags)]


@pytest.mark.parametrize(("tag", "said"), _read_table())
def test_the_table_of_variants_is_true(tag, said):
    split = split_tag(tag)

    assert (split is None) == said.startswith("no version")
    if split is not None:
        suffix = split[0].suffix
        assert (suffix == "") == ("suffix" not in said)
        assert f"`{suffix}`" in said or not suffix


def test_every_value_and_filter_of_templates_is_documented():
    page = _DOCS.read_text().partition("### Templates")[2].partition("\n## ")[0]
    sample = next(iter(make_samples(is_description=True)))
    image = sample["images"][0]  # type: ignore[index] # it is a list
    names = {*sample, *image, *image["places"][0], *FILTERS}

    assert {name for name in names if f"`{name}`" not in page and f"`{name}(" not in page} == set()


def test_the_templates_that_are_shown_are_templates():
    shown = _DOCS.read_text().partition("### Templates")[2].partition("```yaml\n")[2].partition("```")[0]

    policy_file.parse_policy_file(f"version: 1\nimages: []\n{shown}".encode(), file=".imagebot.yaml")


@pytest.mark.parametrize(
    ("page", "section"),
    [
        ("policy-file.md", policy_file.PolicyFileSection),
        ("policy-file.md", policy_file.FilesSection),
        ("policy-file.md", policy_file.ImageSection),
        ("policy-file.md", policy_file.PolicySection),
        ("policy-file.md", policy_file.TagsSection),
        ("policy-file.md", merge_requests_section.MergeRequestsSection),
        ("settings.md", operator.Settings),
        ("settings.md", operator.Author),
        ("settings.md", registry_section.RegistrySettings),
        ("settings.md", registry_login.PasswordSettings),
        ("settings.md", registry_login.AwsSettings),
        ("settings.md", registry_login.GcpSettings),
        ("settings.md", registry_login.AzureSettings),
        ("settings.md", operator.TargetSettings),
        ("settings.md", operator.SshSettings),
        ("settings.md", service_section.WebSection),
        ("settings.md", service_section.HookSection),
        ("settings.md", signing_section.SshSigning),
        ("settings.md", signing_section.GpgSigning),
        ("settings.md", forge_section.GitSettings),
        ("settings.md", forge_section.GitLabSettings),
        ("settings.md", forge_section.GitHubSettings),
        ("settings.md", forge_section.AppSettings),
        ("settings.md", forge_section.GiteaSettings),
    ],
)
def test_every_key_is_in_a_table(page, section):
    rows = [line.split(" | ")[0] for line in (_FOLDER / page).read_text().splitlines() if line.startswith("|")]
    shown = {key for row in rows for path in re.findall("`([a-z_.]+)`", row) for key in path.split(".")}

    assert section.fields_by_key().keys() - shown == set()


def test_every_kind_of_webhook_is_in_a_table():
    rows = [line for line in (_FOLDER / "settings.md").read_text().splitlines() if line.startswith("| `")]
    shown = {name for row in rows for name in re.findall("`([a-z-]+)`", row.split(" | ")[0])}

    assert {kind.value for kind in service_section.HookKind} - shown == set()
