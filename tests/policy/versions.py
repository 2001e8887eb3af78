"""Versions, ranges and tags that the tests of this directory make up."""

from hypothesis import strategies as st

from imagebot.policy.version import Version, find_version


def a_version(text: str) -> Version:
    version = find_version(text)
    assert version is not None
    return version


_numbers = st.integers(0, 3) | st.sampled_from([10, 2**64 - 1])
_identifiers = st.sampled_from(["0", "2", "10", "alpha", "beta", "rc", "rc2", "rc10", "RC", "-", "-1", "0a", "x"])
prereleases = st.lists(_identifiers, min_size=1, max_size=3).map(".".join)

strict_versions = st.builds(
    lambda numbers, prerelease: ".".join(map(str, numbers)) + "".join(f"-{p}" for p in prerelease),
    st.tuples(_numbers, _numbers, _numbers),
    st.lists(prereleases, max_size=1),
)
lenient_versions = st.builds(
    lambda v, numbers, prerelease: v + ".".join(numbers) + "".join(f"-{p}" for p in prerelease),
    st.sampled_from(["", "v"]),
    st.lists(st.sampled_from(["0", "1", "2", "3", "01", "10"]), min_size=1, max_size=3),
    st.lists(prereleases, max_size=1),
)

_partials = st.builds(
    lambda numbers, prerelease: ".".join(numbers) + "".join(f"-{p}" for p in prerelease),
    st.lists(st.sampled_from(["0", "1", "2", "3", "x", "*"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["0", "rc.1", "alpha"]), max_size=1),
)
_comparators = st.builds(
    "{}{}".format,
    st.sampled_from(["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "> "]),
    _partials,
) | st.builds("{} - {}".format, _partials, _partials)
_groups = st.lists(_comparators, min_size=1, max_size=3).map(", ".join)
ranges = st.lists(_groups, min_size=1, max_size=3).map(" || ".join)

_suffixes = st.sampled_from(
    ["", "", "", "-alpine", "-alpine3.19", "-rc.1", "-rc.1-alpine", "-beta-2", "-SNAPSHOT", "-0"]
)
tags = st.builds(
    "{}{}{}".format, st.sampled_from(["", "", "v"]), strict_versions.map(lambda text: text.split("-")[0]), _suffixes
)
any_tags = tags | lenient_versions | st.sampled_from(["latest", "20240131", "1.2.3rc1", "sha-0a1b2c3", "1.2.3.4"])
