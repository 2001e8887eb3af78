"""A survey finds every occurrence, who governs it, and what cannot be read."""

from imagebot.proposal.survey import survey
from tests.proposal.builders import DIGEST_1, make_entry, make_follower


def test_the_first_entry_that_matches_governs():
    entries = [make_entry("nginx", "^1", name="one"), make_entry("*", ">=0", name="rest")]

    found = survey({"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n"}, entries)

    assert [(str(g.repository), g.entry.label) for g in found.governed] == [
        ("docker.io/library/nginx", "one"),
        ("docker.io/library/redis", "rest"),
    ]


def test_an_image_that_no_entry_matches_is_not_governed():
    found = survey({"a.yaml": b"image: nginx:1.0.0\n"}, [make_entry("redis", "^1")])

    assert found.governed == ()
    assert [(path, str(o.reference)) for path, o in found.ungoverned] == [("a.yaml", "nginx:1.0.0")]


def test_files_that_are_not_yaml_are_reported_with_their_place_and_the_others_are_read():
    files = {"bad.yaml": b"image: [nginx:1.0.0\n", "good.yaml": b"image: nginx:1.0.0\n"}

    found = survey(files, [make_entry("*", "^1")])

    assert [g.path for g in found.governed] == ["good.yaml"]
    (unread,) = found.unreadable
    assert str(unread).startswith("bad.yaml:2:1: ")


def test_a_reference_with_a_variable_is_left_alone_with_its_place():
    found = survey({"a.yaml": b"x:\n  image: nginx:${TAG}\n"}, [make_entry("*", "^1")])

    (left,) = found.left_alone
    assert (left.path, left.line, left.column) == ("a.yaml", 2, 10)
    assert "nginx:${TAG}" in str(left)


def test_a_file_that_names_no_image_is_not_parsed():
    found = survey({"chart.yaml": b"{{ if not YAML }}\n"}, [make_entry("*", "^1")])

    assert found.unreadable == ()


def test_files_are_taken_in_the_order_of_their_paths():
    files = {"b.yaml": b"image: b:1\n", "a.yaml": b"image: a:1\n"}

    assert [g.path for g in survey(files, [make_entry("*", "^1")]).governed] == ["a.yaml", "b.yaml"]


def test_a_digest_without_a_tag_is_governed_only_where_the_policy_says_which_tag_to_follow():
    files = {"a.yaml": f"x:\n  image: nginx@{DIGEST_1}\n".encode()}

    followed, left = survey(files, [make_follower("latest")]), survey(files, [make_entry("*", "^1")])

    assert [str(each) for each in followed.governed] == [f"a.yaml:2: nginx@{DIGEST_1}"]
    assert (followed.left_alone, left.governed) == ((), ())
    (unread,) = left.left_alone
    assert str(unread).startswith(f"a.yaml:2:10: nginx@{DIGEST_1}: it has only a digest, and no tag to choose by; ")
