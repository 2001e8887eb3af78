"""What only Gitea and Forgejo do: labels that are numbers, small pages, titles cut by bytes, unknown filters."""

from dataclasses import replace

import pytest

from imagebot.forge import Forge, NewMergeRequest
from imagebot.forge.errors import ForgeAccessDenied
from tests.forge.conftest import BRANCH, Push
from tests.servers.gitea import GiteaDialect
from tests.servers.loopback_forge import LoopbackForge

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.\n")


@pytest.fixture(params=["gitea", "forgejo"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gitea(server: LoopbackForge) -> GiteaDialect:
    assert isinstance(server.dialect, GiteaDialect)
    return server.dialect


def test_labels_are_looked_up_in_the_project_then_in_the_organisation_and_made_if_missing(
    forge: Forge, server: LoopbackForge
):
    server.project.add_labels(["bot"])

    forge.open(replace(NEW, labels=("bot", "org-wide", "new")))

    assert server.merge_requests[1].labels == ["bot", "new", "org-wide"]
    assert server.project.labels.keys() == {"bot", "new"}


def test_a_label_beyond_the_first_page_is_found(forge: Forge, server: LoopbackForge, gitea: GiteaDialect):
    gitea.most_a_page = 10
    server.project.add_labels([f"label-{number}" for number in range(25)])

    forge.open(replace(NEW, labels=("label-24",)))

    assert server.merge_requests[1].labels == ["label-24"]
    assert len(server.project.labels) == 25


def test_a_server_with_small_pages_is_read_to_the_end(
    forge: Forge, server: LoopbackForge, gitea: GiteaDialect, push: Push
):
    gitea.most_a_page = 2
    for number in range(5):
        push(f"imagebot/{number}", {f"{number}.yaml": "x"}, onto="main")
        forge.open(replace(NEW, branch=f"imagebot/{number}"))

    assert len(forge.list_open(branch_prefix="imagebot/", target="main")) == 5


def test_a_title_is_cut_at_the_bytes_that_older_servers_keep(forge: Forge, server: LoopbackForge):
    title = "é" * 200

    opened = forge.open(replace(NEW, title=title)).merge_request

    assert server.merge_requests[1].title == "é" * 126 + "…"
    assert forge.edit(opened, title=title, body=NEW.body) is opened


def test_the_open_one_of_two_branches_is_found_though_older_ones_ended(forge: Forge, server: LoopbackForge, push: Push):
    push("release", {"x.yaml": "x"}, onto="main")
    forge.open(NEW)
    server.close(1)
    forge.open(replace(NEW, target="release"))
    forge.open(NEW)

    assert forge.open(replace(NEW, title="Newer")).merge_request.number == 3


def test_a_scope_that_is_missing_is_told_where_it_is_needed(forge: Forge, server: LoopbackForge, gitea: GiteaDialect):
    gitea.scopes = {"write:repository", "read:issue"}

    with pytest.raises(ForgeAccessDenied, match=r"required scope\(s\): \[write:issue\]"):
        forge.open(replace(NEW, labels=("new",)))


def test_that_nothing_conflicts_shows_once_the_server_has_looked(forge: Forge, server: LoopbackForge):
    forge.open(NEW)
    server.project.merge_requests[1].reads = 2

    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")

    assert listed.has_conflicts is False
