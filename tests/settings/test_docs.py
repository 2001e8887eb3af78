"""What the documentation says of tags is what is done with them."""

import re
from pathlib import Path

import pytest

from imagebot.policy.variant import split_tag

_DOCS = Path(__file__).parents[2] / "docs" / "policy-file.md"


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
