"""A look remembers what it located, and says the same as one that does not."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import imagebot
from imagebot.git import GitRemote, GitRepo, Signature
from imagebot.look import Look, find_oids, look, read_files
from imagebot.policy.entry import ImagePattern
from imagebot.settings.operator import TargetSettings
from imagebot.store.build import fingerprint_build
from imagebot.store.store import Store
from imagebot.yamledit.scan import MAX_BYTES
from tests.servers.gitserver import create_repo, seed

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = b'version: 1\nimages:\n  - {name: all, image: "*", policy: {semver: minor}}\n'
FILES = {
    ".imagebot.yaml": POLICY,
    "a.yaml": b"image: nginx:1.2.3\n",
    "b.yaml": b"image: redis:7.0.0 # imagebot: all\nother: {image: $TAG}\n",
    "copy/b.yaml": b"image: redis:7.0.0 # imagebot: all\nother: {image: $TAG}\n",
    "bad.yaml": b"image: [\n",
    "plain.yaml": b"Nothing is named here.\n",
}
AUTHOR = Signature("imagebot", "imagebot@example.org")

LookAgain = Callable[..., Look]


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    path = tmp_path / "infra.git"
    create_repo(path)
    seed(path, FILES)
    return path


@pytest.fixture
def git(tmp_path: Path, upstream: Path) -> Iterator[GitRepo]:
    with GitRepo(tmp_path / "mirror", GitRemote(url=f"file://{upstream}"), author=AUTHOR, timeout_s=20) as git:
        yield git


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def look_again(git: GitRepo, upstream: Path, store_file: Path) -> LookAgain:
    """Look as a process does that was just started: with a store that is opened for it."""

    def look_again(*, now: datetime = NOW, policy_file: str = ".imagebot.yaml") -> Look:
        with Store.open(store_file) as store:
            return look(make_target(upstream, policy_file=policy_file), git=git, store=store, now=now)

    return look_again


def make_target(upstream: Path, **more: str) -> TargetSettings:
    return TargetSettings.model_validate({"name": "infra", "url": f"file://{upstream}", **more})


def look_without_memory(upstream: Path, git: GitRepo, **more: str) -> Look:
    return look(make_target(upstream, **more), git=git, store=None, now=NOW)


def count_located(act: Callable[[], object]) -> list[int]:
    """Do it, and return how many files were located anew, each time that it was looked at files at all."""
    with capture_logs() as lines:
        act()
    return [line["anew"] for line in lines if line["event"] == "files_located"]


def execute(store_file: Path, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(store_file)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def test_the_first_look_locates_every_blob_once(look_again):
    assert count_located(look_again) == [4]


def test_a_second_look_at_the_same_head_looks_at_no_file_and_says_the_same(look_again):
    first = look_again()

    with capture_logs() as lines:
        second = look_again()

    assert second == first
    assert lines == []
    assert [str(each) for each in second.survey.governed] == [
        "a.yaml:1: nginx:1.2.3",
        "b.yaml:1: redis:7.0.0",
        "copy/b.yaml:1: redis:7.0.0",
    ]


def test_a_second_look_at_the_same_head_finds_no_entry_anew(look_again, monkeypatch):
    first = look_again()
    monkeypatch.setattr(ImagePattern, "matches", lambda *_: pytest.fail("a pattern was matched"))

    assert look_again() == first


def test_one_changed_file_costs_one_parse(look_again, upstream, git):
    look_again()
    seed(upstream, {"a.yaml": b"image: nginx:1.3.0\n"})

    assert count_located(look_again) == [1]
    assert look_again() == look_without_memory(upstream, git)


@pytest.mark.parametrize(
    ("files", "anew"),
    [
        pytest.param({"c.yaml": FILES["a.yaml"]}, 0, id="a copy of a file"),
        pytest.param({"a.yaml": None, "moved.yaml": FILES["a.yaml"]}, 0, id="a file that was moved"),
        pytest.param({"a.yaml": None}, 0, id="a file that was deleted"),
        pytest.param({".imagebot.yaml": POLICY.replace(b"minor", b"patch")}, 0, id="another policy of an entry"),
        pytest.param(
            {".imagebot.yaml": POLICY.replace(b'"*"', b"redis")}, 1, id="a name's image: the file with a marker"
        ),
        pytest.param(
            {".imagebot.yaml": POLICY + b"sites: [{files: a.yaml, image: nginx, tag: tag}]\n"}, 1, id="a site of a file"
        ),
        pytest.param({".imagebot.yaml": POLICY + b"flux: true\n"}, 4, id="Flux's markers, which any file may have"),
    ],
)
def test_only_what_may_be_located_otherwise_is_located_anew(look_again, upstream, git, files, anew):
    look_again()
    seed(upstream, files)

    assert count_located(look_again) == [anew]
    assert look_again() == look_without_memory(upstream, git)


def test_with_flux_the_files_are_read_each_time_and_one_changed_file_costs_one_parse(look_again, upstream, git):
    seed(upstream, {".imagebot.yaml": POLICY + b"flux: true\n"})
    first = look_again()

    assert count_located(look_again) == [0]
    assert look_again() == first
    seed(upstream, {"a.yaml": b'image: nginx:1.3.0 # {"$imagepolicy": "ns:web"}\n'})
    assert count_located(look_again) == [1]
    assert look_again() == look_without_memory(upstream, git)


def test_what_is_not_read_is_said_each_time(look_again, upstream, git):
    files = {
        "link.yaml": b"a.yaml",
        "module.yaml": 40 * b"a",
        "large.yaml": b"image: nginx:1.2\n" + MAX_BYTES * b"#",
        "caf\udce9.yaml": b"image: nginx:1.2\n",
        "latin.yaml": b"image: nginx:1.2 # caf\xe9\n",
        "nul.yaml": b"image: nginx:1.2 # \0\n",
    }
    seed(upstream, files, modes={"link.yaml": "120000", "module.yaml": "160000"})

    first, second = look_again(), look_again()

    paths = [each.path for each in second.survey.unreadable]
    assert sorted(paths) == sorted([*(path.replace("\udce9", "\ufffd") for path in files), "bad.yaml"])
    assert first == second == look_without_memory(upstream, git)


def test_a_file_with_an_odd_path_is_told_of_beside_one_whose_path_looks_the_same(look_again, upstream):
    seed(upstream, {"caf\udce9.yaml": b"image: nginx:1.2\n"})
    seed(upstream, {"caf\ufffd.yaml": b"image: redis:7.0\n"})

    seen = look_again()

    assert "caf\ufffd.yaml" in [each.path for each in seen.survey.unreadable]
    assert "caf\ufffd.yaml:1: redis:7.0" in map(str, seen.survey.governed)


def test_what_was_left_alone_is_said_each_time(look_again):
    look_again()

    left = [each.path for each in look_again().survey.left_alone]

    assert left == ["b.yaml", "copy/b.yaml"]


@pytest.mark.slow
def test_files_that_are_too_much_together_do_not_depend_on_what_is_remembered(look_again, upstream, git):
    """Git reads 128 MiB in one go: of these files all but the last two fit."""
    large = {f"{number:02}.yaml": b"#%d\n" % number + (MAX_BYTES - 10) * b" " for number in range(28)}
    seed(upstream, dict(list(large.items())[:20]))
    look_again()
    seed(upstream, large)

    seen = look_again()

    assert {each.path for each in seen.survey.unreadable} > {"26.yaml", "27.yaml"}
    assert seen == look_without_memory(upstream, git)


def test_a_head_is_looked_at_anew_after_a_day_so_that_what_is_in_use_is_known(look_again, store_file):
    look_again()

    assert count_located(lambda: look_again(now=NOW + DAY)) == [0]
    assert {at for (at,) in execute(store_file, "SELECT used_at FROM located")} == {
        int((NOW + DAY).timestamp() * 1_000_000)
    }


def test_a_quiet_round_writes_nothing(look_again, store_file):
    look_again()
    before = store_file.read_bytes()

    look_again(now=NOW + DAY / 2)

    assert store_file.read_bytes() == before


def test_what_another_version_of_imagebot_located_is_not_trusted(look_again, monkeypatch):
    look_again()
    monkeypatch.setattr(imagebot, "__version__", "99.0.0")
    fingerprint_build.cache_clear()

    located = count_located(look_again)

    fingerprint_build.cache_clear()
    assert located == [4]


def test_another_policy_file_makes_another_look_of_the_same_head(look_again, upstream, git):
    seed(upstream, {"other.yaml": POLICY.replace(b'"*"', b"redis")})
    look_again()

    assert look_again(policy_file="other.yaml") == look_without_memory(upstream, git, policy_file="other.yaml")


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE {table} SET content = replace(content, '1.2.3', '9.9.9')", id="changed"),
        pytest.param("UPDATE {table} SET content = substr(content, 1, 20)", id="cut off"),
        pytest.param("UPDATE {table} SET content = ''", id="emptied"),
        pytest.param("DROP TABLE {table}", id="gone"),
    ],
)
def test_what_is_broken_in_the_store_is_not_trusted(look_again, store_file, statement):
    first = look_again()
    for table in ("heads", "located"):
        execute(store_file, statement.format(table=table))

    assert look_again() == first


def test_a_store_that_fails_costs_time_alone_and_is_told_of(look_again, store_file):
    first = look_again()
    execute(store_file, "DROP TABLE heads")

    with capture_logs() as lines:
        assert look_again() == first

    (told,) = [line for line in lines if line["event"] == "located_not_remembered"]
    assert told["error"] == f"the store {store_file} cannot be used: no such table: heads"


def test_two_processes_may_look_at_once(tmp_path, upstream, store_file):
    def look_from(name: str) -> Look:
        remote = GitRemote(url=f"file://{upstream}")
        with GitRepo(tmp_path / name, remote, author=AUTHOR, timeout_s=20) as git, Store.open(store_file) as store:
            return look(make_target(upstream), git=git, store=store, now=NOW)

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(look_from, ["one", "two", "three", "four"]))

    assert seen == [seen[0]] * 4


def test_files_of_a_remembered_head_are_read_when_they_are_to_be_edited(look_again, git):
    look_again()

    assert read_files(look_again(), ["a.yaml", "b.yaml"], git=git) == {
        path: FILES[path] for path in ("a.yaml", "b.yaml")
    }


def test_blobs_are_found_of_files_of_which_nothing_is_said(look_again, upstream, git):
    seed(upstream, {".imagebot.yaml": POLICY + b"files: {exclude: [b.yaml]}\n"})
    seen = look_again()

    oids = find_oids(seen, {"a.yaml", "plain.yaml", "b.yaml", "none.yaml", ".imagebot.yaml"}, git=git)

    assert oids == {file.path: file.oid for file in git.list_files(seen.head) if file.path in ("a.yaml", "plain.yaml")}
    assert find_oids(seen, {"a.yaml"}, git=git)["a.yaml"] == oids["a.yaml"]


FLUX = b"""\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: ns}
spec: {image: nginx}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: ns}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: ">=1"}}}
"""


class _Walk:
    """A repository that changes at random: its files, and all of a policy file that a look depends on."""

    def __init__(self, seed_: int) -> None:
        self._random = random.Random(seed_)

    def make_policy(self) -> bytes:
        choose = self._random
        names = choose.sample(["api", "web", "rest", "ns/web"], k=choose.randint(0, 3))
        images = ["nginx", "redis", "acme/*", "*"]
        entries = [f"{{name: '{name}', image: '{choose.choice(images)}', policy: {{semver: minor}}}}" for name in names]
        files = choose.choice(["", "files: ['a*']", "files: ['!a1.yaml', '*']"])
        entries.append(f"{{image: '*', policy: {{semver: major}}{', ' if files else ''}{files}}}")
        choose.shuffle(entries)
        sites = choose.sample(
            [
                "{files: '{app}.yaml', image: 'acme/{app}', tag: release}",
                "{files: a1.yaml, image: redis, tag: release}",
            ],
            k=choose.randint(0, 2),
        )
        lines = ["version: 1", f"flux: {choose.choice(['true', 'false', 'false'])}", "images:"]
        lines += [f"  - {entry}" for entry in entries]
        lines += [*(["sites:"] if sites else []), *(f"  - {site}" for site in sites)]
        lines += choose.choice([[], ["files: {exclude: [a2.yaml]}"]])
        return "\n".join([*lines, ""]).encode()

    def make_file(self) -> bytes:
        choose = self._random
        marker = choose.choice(["", "", " # imagebot: api", " # imagebot: web:tag", ' # {"$imagepolicy": "ns:web"}'])
        image = choose.choice(["nginx:1.2.3", "redis:7.0.0", "acme/web:1.0", "1.0.0", "$TAG", "["])
        more = choose.choice(["", "release: 1.2.3\n", "image: {repository: acme/x, tag: '1.0'}\n", '"\\u0069": 1\n'])
        return f"image: {image}{marker}\n{more}".encode() if choose.random() < 0.9 else b"nothing\n"

    def step(self) -> Mapping[str, bytes | None]:
        choose = self._random
        if choose.random() < 0.5:
            return {".imagebot.yaml": self.make_policy()}
        if choose.random() < 0.2:
            policy = FLUX.replace(b"nginx", choose.choice([b"nginx", b"redis"]))
            return {f"flux{choose.randrange(2)}.yaml": policy if choose.random() < 0.8 else None}
        path = f"a{choose.randrange(4)}.yaml"
        return {path: self.make_file() if choose.random() < 0.9 else None}


@pytest.mark.parametrize("number", range(4))
def test_a_look_that_remembers_says_what_one_says_that_does_not(look_again, upstream, git, number):
    walk = _Walk(number)
    for _ in range(12):
        change = walk.step()
        seed(upstream, {"kept": b"", **change})

        assert look_again() == look_without_memory(upstream, git), change
        assert look_again() == look_without_memory(upstream, git), change
