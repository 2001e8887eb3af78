"""`imagebot tags`, run as a program: what is shown, how much of it, and what it costs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.store.store import Store
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, registry: LoopbackRegistry) -> None:
    text = f"data_dir: {tmp_path / 'data'}\nregistries:\n  {registry.address}: {{plain_http: true}}\n"
    (tmp_path / "settings.yaml").write_text(text)


def read(done: Any) -> Mapping[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def test_tags_with_versions_ages_and_digests(registry: LoopbackRegistry, run: Run):
    registry.upload_clock = lambda: NOW - timedelta(days=3)
    digest = push_image(registry.address, "acme/api", "1.2.0-alpine")
    registry.requests.clear()

    done = run("tags", f"{registry.address}/acme/api")

    lines = [line.split() for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == ["TAG", "VERSION", "AGE", "DIGEST"]
    assert [line[:2] for line in lines[1:5]] == [["2.0.0"] * 2, ["1.2.0-alpine", "1.2.0"], ["1.1.0"] * 2, ["1.0.0"] * 2]
    assert lines[2] == ["1.2.0-alpine", "1.2.0", "pushed", "3d", "ago", digest]
    assert lines[5][0] == "latest"
    assert done.stdout.endswith(f"\n5 of 5 tags of {registry.address}/acme/api\n")
    # What the list itself tells is not asked again.
    assert sorted(each.target.rpartition("/")[2] for each in registry.requests) == [
        *("1.0.0", "1.1.0", "2.0.0", "latest", "list?n=1000"),
    ]


def test_for_programs(registry: LoopbackRegistry, run: Run):
    digest = push_image(registry.address, "acme/api", "2.1.0")

    found = read(run("tags", f"{registry.address}/acme/api", "--limit", "1", "--format", "json"))

    tag = {"tag": "2.1.0", "version": "2.1.0", "digest": digest, "since": None, "source": None, "error": None}
    assert found == {
        "image": f"{registry.address}/acme/api",
        "tags": [tag],
        "listed": 5,
        "dropped": 0,
        "is_complete": True,
    }


def test_without_digests_a_list_is_all_that_is_asked_for(registry: LoopbackRegistry, run: Run):
    registry.requests.clear()

    found = read(run("tags", f"{registry.address}/acme/api", "--no-digests", "--format", "json"))

    assert [each["digest"] for each in found["tags"]] == 4 * [None]
    assert len(registry.requests) == 1


@pytest.mark.parametrize(
    ("tag", "shown"), [("1.1.0", ["1.1.0"]), ("9.9.9", [])], ids=["a tag", "one that is not there"]
)
def test_of_an_image_with_a_tag_only_that_is_shown(registry: LoopbackRegistry, run: Run, tag: str, shown: list[str]):
    found = read(run("tags", f"{registry.address}/acme/api:{tag}", "--format", "json"))

    assert [each["tag"] for each in found["tags"]] == shown


def test_what_is_remembered_of_a_tag_is_its_age(registry: LoopbackRegistry, run: Run, tmp_path: Path):
    seen = NOW - timedelta(hours=5, minutes=10)
    with Store.open(tmp_path / "data" / "store.sqlite") as store:
        store.keep_listing(Repository(registry.address, "acme/api"), TagList(("1.0.0",)), at=seen)

    done = run("tags", f"{registry.address}/acme/api", "--no-digests")

    ages = {line.split()[0]: line.split()[2:] for line in done.stdout.splitlines()[1:4]}
    assert ages == {"2.0.0": [], "1.1.0": [], "1.0.0": ["first", "seen", "5h", "ago"]}


def test_a_digest_that_cannot_be_had_is_said_and_the_others_are_shown(registry: LoopbackRegistry, run: Run):
    registry.fault = lambda _, target: Reply(404) if target.endswith("/1.1.0") else None

    done = run("tags", f"{registry.address}/acme/api", "--format", "json")

    errors = {each["tag"]: each["error"] for each in json.loads(done.stdout)["tags"] if each["error"]}
    assert done.returncode == 1
    assert set(errors) == {"1.1.0"}
    assert "the registry has no such tag (404)" in errors["1.1.0"]


@pytest.mark.parametrize(
    ("image", "code", "said"),
    [
        pytest.param(
            "acme/none", 1, "the registry knows no such repository (404)", id="a repository that is not there"
        ),
        pytest.param("acme/API", 2, "is no image reference", id="no image"),
    ],
)
def test_what_cannot_be_listed(registry: LoopbackRegistry, run: Run, image: str, code: int, said: str):
    done = run("tags", f"{registry.address}/{image}")

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("imagebot: ")
    assert said in done.stderr


def test_a_list_that_is_cut_says_so(registry: LoopbackRegistry, run: Run, tmp_path: Path):
    (tmp_path / "settings.yaml").write_text(
        f"registries: {{'{registry.address}': {{plain_http: true, max_tags: 3}}}}\n"
    )

    assert "of more than 3 tags of" in run("tags", f"{registry.address}/acme/api", "--no-digests").stdout
