"""No decision is taken from a repository whose tags are not known."""

from imagebot.image.reference import parse_repository
from imagebot.policy.select import NoCandidate, Selection
from imagebot.proposal.choose import Unlisted, choose, find_undecided
from imagebot.proposal.survey import survey
from tests.proposal.builders import make_choices, make_entry

_FILES = {"a.yaml": b"image: nginx:1.0.0\n"}


def test_a_newer_tag_is_the_new_tag():
    (choice,) = make_choices(_FILES, {"nginx": ["1.0.0", "1.1.0"]})

    assert (choice.current_tag, choice.new_tag) == ("1.0.0", "1.1.0")


def test_a_choice_of_the_current_tag_writes_nothing():
    (choice,) = make_choices(_FILES, {"nginx": ["1.0.0"]})

    assert isinstance(choice.verdict, Selection)
    assert choice.new_tag is None


def test_a_repository_that_could_not_be_listed_stays_with_its_reason():
    found = survey(_FILES, [make_entry("*", ">=0")])
    image = parse_repository("nginx")

    (choice,) = choose(found, {image: Unlisted(image, "it is down")})

    assert choice.verdict == Unlisted(image, "it is down")
    assert choice.new_tag is None


def test_a_repository_that_nobody_listed_is_unlisted():
    (choice,) = make_choices(_FILES, {})

    assert isinstance(choice.verdict, Unlisted)


def test_a_list_that_lacks_the_tag_that_is_written_decides_nothing():
    (choice,) = make_choices(_FILES, {"nginx": ["1.1.0", "1.2.0"]})

    assert isinstance(choice.verdict, Unlisted)
    assert "lists 2 tags, but not 1.0.0" in choice.verdict.reason
    assert not choice.is_settled


def test_a_range_that_admits_nothing_newer_gives_no_tag_and_the_reason():
    (choice,) = make_choices(_FILES, {"nginx": ["0.9.0", "1.0.0"]}, [make_entry("*", "<1")])

    assert isinstance(choice.verdict, NoCandidate)
    assert choice.new_tag is None
    assert choice.is_settled


def test_occurrences_under_different_entries_are_decided_apart():
    files = {"prod/a.yaml": b"image: nginx:1.0.0\n", "test/a.yaml": b"image: nginx:1.0.0\n"}
    entries = [make_entry("nginx", "~1.0"), make_entry("*", ">=0")]

    choices = make_choices(files, {"nginx": ["1.0.0", "1.0.1", "2.0.0"]}, entries)

    assert [choice.new_tag for choice in choices] == ["1.0.1", "1.0.1"]


def test_an_image_is_undecided_if_one_of_its_places_is_whichever_comes_last():
    files = {name: f"image: nginx:{tag}\n".encode() for name, tag in (("a.yaml", "0.1.0"), ("b.yaml", "1.0.0"))}
    tags = {"nginx": ["1.0.0", "1.1.0"]}

    undecided = find_undecided(make_choices(files, tags))
    reversed_files = {"a.yaml": files["b.yaml"], "b.yaml": files["a.yaml"]}

    assert list(undecided) == [parse_repository("nginx")]
    assert undecided == find_undecided(make_choices(reversed_files, tags))
