"""Platforms: what people and manifests write, and the normal form in which these are compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.errors import InvalidInput
from imagebot.image.platform import InvalidPlatform, Platform, make_platform, parse_platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        pytest.param("linux/amd64", Platform("linux", "amd64"), id="normal form"),
        pytest.param("Linux/AMD64", Platform("linux", "amd64"), id="upper case"),
        pytest.param("linux/x86_64", Platform("linux", "amd64"), id="uname's x86_64"),
        pytest.param("linux/x86-64", Platform("linux", "amd64"), id="x86-64"),
        pytest.param("linux/amd64/v1", Platform("linux", "amd64"), id="amd64 is v1"),
        pytest.param("linux/x86_64/V1", Platform("linux", "amd64"), id="x86_64 is v1, too"),
        pytest.param("linux/amd64/v3", Platform("linux", "amd64", "v3"), id="amd64 v3 is another"),
        pytest.param("linux/x86_64/v3", Platform("linux", "amd64", "v3"), id="x86_64 keeps its variant"),
        pytest.param("linux/386", Platform("linux", "386"), id="386"),
        pytest.param("linux/i386", Platform("linux", "386"), id="i386"),
        pytest.param("linux/i686", Platform("linux", "386"), id="uname's i686"),
        pytest.param("linux/i386/sse2", Platform("linux", "386"), id="i386 has no variant"),
        pytest.param("linux/arm64", Platform("linux", "arm64"), id="arm64"),
        pytest.param("linux/aarch64", Platform("linux", "arm64"), id="uname's aarch64"),
        pytest.param("linux/arm64/v8", Platform("linux", "arm64"), id="arm64 is v8"),
        pytest.param("linux/arm64/8", Platform("linux", "arm64"), id="arm64 is 8"),
        pytest.param("linux/AArch64/V8", Platform("linux", "arm64"), id="aarch64 is v8"),
        pytest.param("linux/arm64/v9", Platform("linux", "arm64", "v9"), id="arm64 v9 is another"),
        pytest.param("linux/arm", Platform("linux", "arm", "v7"), id="arm is v7"),
        pytest.param("linux/arm/7", Platform("linux", "arm", "v7"), id="arm 7"),
        pytest.param("linux/arm/v7", Platform("linux", "arm", "v7"), id="arm v7"),
        pytest.param("linux/arm/6", Platform("linux", "arm", "v6"), id="arm 6"),
        pytest.param("linux/arm/v6", Platform("linux", "arm", "v6"), id="arm v6"),
        pytest.param("linux/arm/5", Platform("linux", "arm", "v5"), id="arm 5"),
        pytest.param("linux/arm/8", Platform("linux", "arm", "v8"), id="arm 8 is not arm64"),
        pytest.param("linux/armhf", Platform("linux", "arm", "v7"), id="armhf"),
        pytest.param("linux/armel", Platform("linux", "arm", "v6"), id="armel"),
        pytest.param("linux/armv7l", Platform("linux", "arm", "v7"), id="uname's armv7l"),
        pytest.param("linux/armv6l", Platform("linux", "arm", "v6"), id="uname's armv6l"),
        pytest.param("linux/ppc64le", Platform("linux", "ppc64le"), id="ppc64le"),
        pytest.param("linux/s390x", Platform("linux", "s390x"), id="s390x"),
        pytest.param("linux/riscv64", Platform("linux", "riscv64"), id="riscv64"),
        pytest.param("macOS/arm64", Platform("darwin", "arm64"), id="macos is darwin"),
        pytest.param("windows/amd64", Platform("windows", "amd64"), id="windows"),
        pytest.param("wasip1/wasm", Platform("wasip1", "wasm"), id="names that no table has"),
    ],
)
def test_normal_form(text, platform):
    assert parse_platform(text) == platform


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "it has not two or three parts", id="nothing"),
        pytest.param("linux", "it has not two or three parts", id="one half"),
        pytest.param("linux/arm/v7/x", "it has not two or three parts", id="four parts"),
        pytest.param("/amd64", "its os is empty", id="no os"),
        pytest.param("linux/", "its architecture is empty", id="no architecture"),
        pytest.param("linux/arm/", "its variant is empty", id="no variant after a slash"),
        pytest.param("linux/amd64 ", "its architecture is not made of", id="a blank"),
        pytest.param("linux/amd64\n", "its architecture is not made of", id="a line feed"),
        pytest.param("windows(10.0.17763)/amd64", "its os is not made of", id="a version of the os"),
        pytest.param("linux/*", "its architecture is not made of", id="a pattern"),
        pytest.param("linux/\u212arm", "its architecture is not made of", id="the Kelvin sign is no k"),
        pytest.param(f"linux/{65 * 'a'}", "its architecture is not made of 1 to 64", id="too long"),
        pytest.param("linux/arm/\x1b[31m", "its variant is not made of", id="a terminal's commands"),
    ],
)
def test_what_is_no_platform(text, reason):
    with pytest.raises(InvalidPlatform) as caught:
        parse_platform(text)

    assert caught.value.reason.startswith(reason)
    assert str(caught.value).endswith("accepted is OS/ARCHITECTURE[/VARIANT], as in linux/amd64 or linux/arm/v7")
    assert str(caught.value).isprintable()


def test_an_endless_text_is_not_repeated():
    with pytest.raises(InvalidPlatform) as caught:
        parse_platform(1_000_000 * "a")

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("parts", "platform"),
    [
        pytest.param(("linux", "arm64", "v8"), Platform("linux", "arm64"), id="as Docker writes arm64"),
        pytest.param(("linux", "arm", ""), Platform("linux", "arm", "v7"), id="arm without its variant"),
        pytest.param(("Linux", "x86_64", ""), Platform("linux", "amd64"), id="as nobody should"),
    ],
)
def test_platform_of_a_manifest(parts, platform):
    assert make_platform(*parts) == platform


@pytest.mark.parametrize(
    "parts", [("", "amd64", ""), ("linux", "", ""), ("li/nux", "amd64", ""), ("linux", "arm", "/")]
)
def test_what_a_manifest_may_not_say(parts):
    with pytest.raises(InvalidPlatform):
        make_platform(*parts)


_NAMES = st.from_regex(r"[a-zA-Z0-9_.-]{1,64}", fullmatch=True) | st.sampled_from(["arm", "arm64", "amd64", "armhf"])


@settings(deadline=None)
@given(_NAMES, _NAMES, _NAMES | st.sampled_from(["", "8", "v8", "v1", "7"]))
def test_a_platform_reads_back_from_its_text(os, architecture, variant):
    platform = make_platform(os, architecture, variant)

    assert parse_platform(str(platform)) == platform


@settings(deadline=None)
@given(st.text())
def test_no_text_ends_in_another_error(text):
    try:
        platform = parse_platform(text)
    except InvalidInput as error:
        str(error).encode()
    else:
        assert str(platform).isascii()
