"""A disk without room: the service stays up and says so, nothing is half done, and it goes on when there is room."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.crash.replica import Replica, list_leavings
from tests.servers.contract import Contract
from tests.stories.story import Story, tell_story

# One about the store, and one about the mirror for each way in which git puts it.
_MOST_LINES = 4
Fill = Callable[[Replica], object]


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Fill, Fill]]:
    """Make the folder a disk of 8 MB; yield how it is filled and made free."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a disk of its own may not be mounted here; the test with a limit of the system is done")
    filler = folder / "filler"

    def fill(_: Replica) -> None:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    try:
        yield fill, lambda _: filler.unlink()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def limited_files(folder: Path) -> Iterator[tuple[Fill, Fill]]:
    """Let the process, and the gits that it starts, write no byte; yield how that begins and ends."""
    folder.mkdir()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(replica: Replica, size_bytes: int) -> None:
        resource.prlimit(replica.process.pid, resource.RLIMIT_FSIZE, (size_bytes, most))

    yield lambda replica: limit(replica, 0), lambda replica: limit(replica, most)


def tell_of_a_push(story: Story, replica: Replica) -> None:
    """Tell the service that main has moved, as the forge would."""
    url = replica.wait_for("service_started")["url"]
    event = {"object_kind": "push", "ref": "refs/heads/main", "project": {"path_with_namespace": "acme/infra"}}
    headers = {"X-Gitlab-Token": os.environ["GIT_PASSWORD"]}
    answer = requests.post(f"{url}/webhooks/gitlab", data=json.dumps(event), headers=headers, timeout=30)
    assert answer.status_code == 202


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("disk", [pytest.param(small_disk, marks=pytest.mark.long), limited_files])
def test_without_room_it_says_so_and_goes_on_when_there_is_room(
    disk: Callable[[Path], AbstractContextManager[tuple[Fill, Fill]]],
    tmp_path: Path,
    contracts: Mapping[str, Contract | None],
):
    with ExitStack() as stack:
        fill, free = stack.enter_context(disk(tmp_path / "data"))
        story = stack.enter_context(tell_story(tmp_path, "gitlab", contracts["gitlab"]))
        story.push("api", "1.0.0", "1.1.0")
        story.write("api.yaml", api="1.0.0")
        story.world.now = datetime.now(UTC)
        hook = {"gitlab": {"kind": "gitlab", "secret": {"env": "GIT_PASSWORD"}}}
        story.world.settings |= {"web": {"listen": "127.0.0.1:0"}, "interval": "10s", "webhooks": hook}
        replica = stack.enter_context(Replica(story.world.write_settings()))
        replica.wait_for("target_updated")
        assert replica.get("/readyz")["status"] == "ready"

        fill(replica)
        story.push("api", "1.2.0")
        story.write("other.yaml", api="1.0.0")
        tell_of_a_push(story, replica)
        replica.wait_for("target_failed", "listings_not_read")

        ready = replica.get("/readyz")
        assert (ready["status"], ready["checks"]["store"]["is_ok"]) == ("unready", False)
        assert requests.get(f"{replica.wait_for('service_started')['url']}/healthz", timeout=30).status_code == 200
        assert story.request(story.branch("api")).title.endswith("to 1.1.0")

        free(replica)
        tell_of_a_push(story, replica)
        replica.wait_until(lambda: story.request(story.branch("api")).title.endswith("to 1.2.0"))
        assert set(story.world.read(story.branch("api"))) >= {"api.yaml", "other.yaml"}
        assert replica.get("/readyz")["status"] == "ready"
        troubles = [event["event"] for event in replica.events if event["level"] in ("warning", "error")]
        assert len(troubles) <= _MOST_LINES, troubles
        replica.process.terminate()
        assert replica.process.wait(60) == 0
        assert not list_leavings(tmp_path / "data")
        assert story.open == {story.branch("api")}
