"""`imagebot plan --write`: files are replaced whole or not at all, and each for itself."""

import json
import os
import stat
from pathlib import Path

import pytest

from imagebot.cli.checkout import ChangedMeanwhile, replace_file
from imagebot.demo.registry import LoopbackRegistry
from tests.cli.conftest import Run

# Runs a program that cannot write files of more than 4 KiB: a file system that is full, for whoever runs the tests.
_LIMITED = ("sh", "-c", 'ulimit -f 8; exec "$@"', "sh")


def test_writing_edits_the_bytes_of_the_tag_and_keeps_the_mode(run: Run, checkout: Path):
    file = checkout / "apps" / "api.yaml"
    file.chmod(0o640)
    before = file.read_bytes()

    done = run("plan", checkout, "--write")

    assert done.returncode == 0
    assert file.read_bytes() == before.replace(b"1.0.0", b"1.1.0")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["api.yaml"]
    assert run("plan", checkout).stdout.startswith("\nNothing to change")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_writing_keeps_the_owner_where_that_is_allowed(run: Run, checkout: Path):
    file = checkout / "apps" / "api.yaml"
    os.chown(file, 4242, 4343)

    run("plan", checkout, "--write")

    assert b"1.1.0" in file.read_bytes()
    assert (file.stat().st_uid, file.stat().st_gid) == (4242, 4343)


def test_a_file_with_a_name_as_long_as_names_can_be_is_written(run: Run, checkout: Path):
    file = checkout / "apps" / f"{250 * 'a'}.yaml"
    (checkout / "apps" / "api.yaml").rename(file)

    done = run("plan", checkout, "--write")

    assert (done.returncode, done.stderr) == (0, "")
    assert b"1.1.0" in file.read_bytes()


def test_a_file_that_cannot_be_written_does_not_keep_the_others_from_it(
    run: Run, checkout: Path, registry: LoopbackRegistry
):
    apps = checkout / "apps"
    large = f"image: {registry.address}/acme/api:1.0.0\n{5000 * '#'}\n"
    (apps / "a-large.yaml").write_text(large)

    done = run("plan", checkout, "--write", by=_LIMITED, env={"PYTHONDONTWRITEBYTECODE": "1"})

    assert (done.returncode, done.stderr) == (1, "")
    assert "\nNot written\n  apps/a-large.yaml cannot be written: File too large\n\nEdited 1 file.\n" in done.stdout
    assert b"1.1.0" in (apps / "api.yaml").read_bytes()
    assert (apps / "a-large.yaml").read_text() == large
    assert sorted(path.name for path in apps.iterdir()) == ["a-large.yaml", "api.yaml"]


def test_a_file_that_changes_while_registries_are_asked_is_left_alone_and_said_in_json(
    run: Run, checkout: Path, tmp_path: Path, registry: LoopbackRegistry
):
    apps = checkout / "apps"

    def change_a_file(_method: str, _target: str) -> None:
        (apps / "b.yaml").write_text("# mine\n")

    for name in ("api.yaml", "b.yaml", "c.yaml"):
        (apps / name).write_text(f"image: {registry.address}/acme/api:1.0.0\n")
    registry.fault = change_a_file

    done = run("plan", checkout, "--write", "--format", "json")

    printed = json.loads(done.stdout)
    assert done.returncode == 1
    assert printed["written"] == ["apps/api.yaml", "apps/c.yaml"]
    assert printed["not_written"] == ["apps/b.yaml was changed by someone else meanwhile, and is left as it is"]
    assert (apps / "b.yaml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda file: file.write_bytes(b"# moved\n"), id="edited"),
        pytest.param(lambda file: file.write_bytes(b""), id="emptied"),
        pytest.param(lambda file: file.unlink(), id="deleted"),
        pytest.param(lambda file: (file.unlink(), file.symlink_to("/dev/null")), id="a link now"),
    ],
)
def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(checkout: Path, change):
    file = checkout / "apps" / "api.yaml"
    before = file.read_bytes()
    change(file)
    changed = os.path.lexists(file) and (file.is_symlink(), file.read_bytes())

    with pytest.raises(ChangedMeanwhile, match=r"apps/api\.yaml was changed by someone else meanwhile"):
        replace_file(checkout, "apps/api.yaml", before=before, after=b"new")

    assert (os.path.lexists(file) and (file.is_symlink(), file.read_bytes())) == changed
