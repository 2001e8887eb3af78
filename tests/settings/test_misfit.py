"""What of an entry does not go together, with the position of the key that is at fault, and what does."""

import pytest

from imagebot.settings.policy_file import InvalidPolicyFile, parse_policy_file


def list_faults(keys: str) -> list[str]:
    """List the faults of an entry whose keys begin on line 4, in column 5."""
    text = f"version: 1\nimages:\n  - image: a\n    {keys}\n"
    try:
        parse_policy_file(text.encode(), file=".imagebot.yaml")
    except InvalidPolicyFile as invalid:
        return [str(fault).removeprefix(".imagebot.yaml:") for fault in invalid.faults]
    return []


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param(
            "policy: {digest: latest}\n    tags: {include: [a]}",
            "5:11: images[0].tags: found a mapping; accepted is no tags beside policy.digest, which names the tag",
            id="a filter of the one tag",
        ),
        pytest.param(
            "policy: {digest: latest}\n    tags: {}",
            "5:11: images[0].tags: found a mapping; accepted is no tags beside policy.digest, which names the tag",
            id="an empty filter of it",
        ),
        pytest.param(
            "policy: {digest: latest}\n    variant: any",
            "5:14: images[0].variant: found 'any'; accepted is no variant beside policy.digest, which names the tag",
            id="a variant of it",
        ),
        pytest.param(
            "allow_downgrade: true\n    policy: {digest: latest}",
            "4:22: images[0].allow_downgrade: found true; accepted is false beside policy.digest, which names the tag",
            id="a step back from it",
        ),
        pytest.param(
            "policy: {digest: latest}\n    pin_digest: false",
            "5:17: images[0].pin_digest: found false; accepted is true beside policy.digest, which writes nothing but"
            " digests",
            id="a digest that is not written",
        ),
        pytest.param(
            "policy: {newest: built}\n    tags: {include: [(a)], extract: $1}",
            "5:37: images[0].tags.extract: found '$1'; accepted is no extract beside policy.newest, which orders by"
            " time",
            id="a text for what is ordered by time",
        ),
        pytest.param(
            "policy: {newest: pushed}\n    variant: keep",
            "5:14: images[0].variant: found 'keep'; accepted is any, or no variant, unless the policy is semver:"
            " tags.include says which tags are meant",
            id="a variant of what has no version",
        ),
        pytest.param(
            "policy: {alphabetical: asc}\n    variant: alpine",
            "5:14: images[0].variant: found 'alpine'; accepted is any, or no variant, unless the policy is semver:"
            " tags.include says which tags are meant",
            id="a suffix of what is ordered as text",
        ),
    ],
)
def test_what_means_nothing_beside_the_policy_is_a_fault(keys, fault):
    assert list_faults(keys) == [fault]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("policy: {digest: latest}\n    allow_downgrade: false", id="what a followed tag cannot do"),
        pytest.param("policy: {digest: latest}\n    tags: null\n    variant: null", id="nothing said"),
        pytest.param("policy: {digest: latest}\n    platforms: [linux/amd64]", id="the platforms of a followed tag"),
        pytest.param("policy: {newest: built}\n    allow_downgrade: true", id="a step back in time"),
        pytest.param("policy: {newest: built}\n    pin_digest: false", id="a tag alone"),
        pytest.param("policy: {newest: pushed}\n    tags: {include: [a], exclude: [b]}", id="the newest of some"),
        pytest.param("policy: {numeric: asc}\n    variant: any", id="the default spelled out"),
        pytest.param("policy: {semver: major}\n    variant: alpine", id="a suffix of versions"),
        pytest.param("policy: {semver: null, digest: latest}", id="a policy that is not given"),
    ],
)
def test_what_goes_together_is_accepted(keys):
    assert list_faults(keys) == []


def test_all_that_does_not_go_together_is_reported_at_once_beside_other_faults():
    faults = list_faults("policy: {digest: a:b}\n    variant: any\n    pin_digest: false\n    tags: {}\n    min_age: 1")

    assert [fault.split(": ")[1] for fault in faults] == [
        "images[0].policy.digest",
        "images[0].variant",
        "images[0].pin_digest",
        "images[0].tags",
        "images[0].min_age",
    ]


def test_of_two_policies_only_that_is_reported():
    faults = list_faults("policy: {digest: latest, newest: built}\n    variant: alpine")

    assert [fault.split(": ")[1] for fault in faults] == ["images[0].policy"]


@pytest.mark.parametrize("images", ["5", "[5]", "{a: b}", "[{policy: digest}]", "[{policy: {digest: a}, tags: 5}]"])
def test_an_entry_that_is_none_is_left_to_other_faults(images):
    with pytest.raises(InvalidPolicyFile):
        parse_policy_file(f"version: 1\nimages: {images}".encode(), file=".imagebot.yaml")
