"""What people said no to: in which places, and what undoes it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from imagebot.policy.entry import Entry
from imagebot.proposal.block import Block, fit_block, format_block, make_block
from imagebot.proposal.group import GroupKey, GroupKind, Pair
from imagebot.proposal.plan import Change, Group, make_changes, make_groups
from imagebot.proposal.refusal import No, Past, Refusals
from imagebot.proposal.request_rules import GroupBy
from tests.proposal.builders import NOW, make_choices, make_entry

NGINX = "docker.io/library/nginx"
TAGS = {"nginx": ["0.9.0", "1.0.0", "1.1.0", "1.2.0"]}
FILES = {"prod/a.yaml": b"image: nginx:1.0.0\n", "staging/a.yaml": b"image: nginx:1.0.0\n"}
EVERYTHING = [make_entry("*", "<=1.1.0")]


def _plan(
    group_by: GroupBy, *, files: dict[str, bytes] | None = None, entries: Sequence[Entry] = EVERYTHING
) -> Sequence[Group]:
    changes = make_changes(make_choices(files or FILES, TAGS, entries))
    return make_groups(changes, branch_prefix="imagebot/", group_by=group_by)


def _block(group: Group) -> Block:
    return make_block(group, policy_file="p", opened_at=NOW)


def _end(block: Block | None, *, number: int = 1, is_merged: bool = False) -> Past:
    return Past(number, f"https://forge/{number}", "imagebot/x", "c0ffee", is_merged, block)


def _refuse(
    past: Sequence[Past],
    *,
    now_open: Sequence[Block] = (),
    files: dict[str, bytes] | None = None,
    entries: Sequence[Entry] = EVERYTHING,
) -> dict[str, No]:
    """Return how the changes of the files are refused, by their paths; those that are not are left out."""
    choices = make_choices(files or FILES, TAGS, entries)
    refusals = Refusals(past, now_open=now_open, choices=choices)
    found = {change.path: refusals.find(change) for change in make_changes(choices)}
    return {path: refusal.how for path, refusal in found.items() if refusal is not None}


@pytest.mark.parametrize(
    ("group_by", "refused"),
    [
        pytest.param(GroupBy.IMAGE, {"prod/a.yaml", "staging/a.yaml"}, id="an image is refused everywhere"),
        pytest.param(GroupBy.ALL, {"prod/a.yaml", "staging/a.yaml"}, id="so is what was in the group of all"),
        pytest.param(GroupBy.DIRECTORY, {"prod/a.yaml"}, id="in a folder only there"),
        pytest.param(GroupBy.FILE, {"prod/a.yaml"}, id="in a file only there"),
    ],
)
def test_a_no_holds_in_the_places_that_its_group_was_about(group_by: GroupBy, refused: set[str]):
    closed = _end(_block(_plan(group_by)[0]))

    assert _refuse([closed]) == dict.fromkeys(refused, No.CLOSED)


def test_a_no_to_a_group_of_entries_holds_for_these_and_after_another_name_for_their_places():
    prod, staging = (
        replace(make_entry("*", "<=1.1.0", name=name), files=None, group=name) for name in ("prod", "staging")
    )
    closed = _end(
        _block(Group(GroupKey(GroupKind.NAMED, "prod"), "imagebot/group-prod", _plan(GroupBy.FILE)[0].changes))
    )

    assert _refuse([closed], entries=[prod]) == dict.fromkeys(FILES, No.CLOSED)
    assert _refuse([closed], entries=[staging]) == {"prod/a.yaml": No.CLOSED}


def test_a_no_is_to_exactly_the_tags_that_were_proposed():
    closed = _end(_block(_plan(GroupBy.ALL)[0]))

    assert _refuse([closed], entries=[make_entry("*", "<=1.2.0")]) == {}


@pytest.mark.parametrize(
    "past",
    [
        pytest.param(lambda block: _end(replace(block, is_retired=True)), id="imagebot closed it"),
        pytest.param(lambda _: _end(None), id="it has no block any more"),
    ],
)
def test_what_is_no_no(past):
    assert _refuse([past(_block(_plan(GroupBy.ALL)[0]))]) == {}


def test_what_is_open_is_not_refused_and_what_is_open_elsewhere_undoes_nothing():
    closed = _end(_block(_plan(GroupBy.ALL)[0]))
    prod, staging = map(_block, _plan(GroupBy.DIRECTORY))

    assert _refuse([closed], now_open=[prod, staging]) == {}
    assert _refuse([closed], now_open=[staging]) == {"prod/a.yaml": No.CLOSED}
    assert _refuse([closed], now_open=[replace(prod, is_retired=True)]) == dict.fromkeys(FILES, No.CLOSED)


def test_what_was_declined_before_a_merge_request_is_remembered_by_it():
    pair = Pair(NGINX, "1.1.0")
    later = replace(_block(_plan(GroupBy.ALL)[0]), pairs=(Pair(NGINX, "1.0.9"),), declined=(pair,))

    assert _refuse([_end(later, is_merged=True)]) == dict.fromkeys(FILES, No.CLOSED)
    assert _refuse([], now_open=[later]) == dict.fromkeys(FILES, No.CLOSED)
    assert _refuse([], now_open=[replace(later, declined=())]) == {}


def test_what_was_merged_and_is_not_there_was_reverted():
    merged = _end(_block(_plan(GroupBy.ALL)[0]), is_merged=True)

    assert _refuse([merged]) == dict.fromkeys(FILES, No.REVERTED)


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        pytest.param({**FILES, "new.yaml": b"image: nginx:1.0.0\n"}, set(FILES), id="a file that was not in it"),
        pytest.param(
            {"prod/a.yaml": b"image: nginx:1.1.0\n---\nimage: nginx:1.0.0\n"}, set(), id="another place beside it"
        ),
        pytest.param({"prod/a.yaml": b"image: nginx:0.9.0\n"}, {"prod/a.yaml"}, id="a tag from before"),
    ],
)
def test_only_what_was_changed_by_it_can_have_been_reverted(files: dict[str, bytes], refused: set[str]):
    merged = _end(_block(_plan(GroupBy.ALL)[0]), is_merged=True)

    assert _refuse([merged], files=files) == dict.fromkeys(refused, No.REVERTED)


def test_a_step_back_that_imagebot_proposed_itself_is_no_revert():
    up = _block(_plan(GroupBy.ALL)[0])
    down = _block(_plan(GroupBy.ALL, files=dict.fromkeys(FILES, b"image: nginx:1.1.0\n"), entries=_back())[0])
    past = [_end(up, is_merged=True), _end(down, number=2, is_merged=True)]

    assert down.pairs == (Pair(NGINX, "1.0.0"),)
    assert _refuse(past) == {}
    assert _refuse(past[:1]) == dict.fromkeys(FILES, No.REVERTED)


def _back() -> list[Entry]:
    entry = make_entry("*", "<=1.0.0")
    return [replace(entry, rules=replace(entry.rules, allows_downgrade=True))]


def test_a_block_that_is_too_long_still_says_no_by_its_places():
    block = fit_block(_block(_plan(GroupBy.ALL)[0]), 100)
    short = fit_block(_block(_plan(GroupBy.ALL)[0]), 1100)

    assert (block.pairs, short.pairs) == ((), (Pair(NGINX, "1.1.0"),))
    files = {f"{n}.yaml": b"image: nginx:1.0.0\n" for n in range(300)}
    long = make_block(_plan(GroupBy.ALL, files=files)[0], policy_file="p", opened_at=NOW)
    cut = fit_block(replace(long, pairs=long.pairs * 200), 5000)
    assert len(format_block(cut)) <= 5000
    assert _refuse([_end(cut)], files=files).keys() == files.keys()


def test_a_merge_request_closed_without_its_block_refuses_what_stood_on_its_branch():
    choices = make_choices(FILES, TAGS, EVERYTHING)
    refusals = Refusals([_end(None)], now_open=(), choices=choices)

    found = refusals.find_unmarked("imagebot/x", "c0ffee")
    assert found is not None
    assert found.how is No.CLOSED
    assert refusals.find_unmarked("imagebot/x", "another") is None
    assert refusals.find_unmarked("imagebot/y", "c0ffee") is None


def test_the_block_remembers_what_was_refused_of_its_group_before():
    all_at_once = _plan(GroupBy.ALL)[0]
    earlier = replace(_block(all_at_once), pairs=(Pair(NGINX, "1.0.1"),), declined=(Pair(NGINX, "1.0.0"),))
    other = replace(earlier, key=GroupKey(GroupKind.FILE, "x"), pairs=(Pair(NGINX, "1.0.2"),))
    refusals = Refusals([_end(earlier), _end(other, number=2)], now_open=(), choices=())
    refused: list[Change] = list(_plan(GroupBy.ALL, entries=[make_entry("*", "<=1.2.0")])[0].changes)

    declined = refusals.list_declined(all_at_once, refused)

    assert [pair.tag for pair in declined] == ["1.0.0", "1.0.1", "1.2.0"]
