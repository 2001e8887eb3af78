"""A small bare repository for loopback forges: `main`, two branches that clash, and one without commits of its own."""

from pathlib import Path

import pytest

from tests.servers.gitserver import create_repo, git, seed


@pytest.fixture
def git_dir(tmp_path: Path) -> Path:
    repo = create_repo(tmp_path / "infra.git")
    seed(repo, {"app.yaml": b"one"})
    for branch, data in {"change": b"two", "clash": b"three"}.items():
        git(repo, "update-ref", f"refs/heads/{branch}", "refs/heads/main")
        seed(repo, {"app.yaml": data}, branch=branch)
    git(repo, "update-ref", "refs/heads/level", "refs/heads/main")
    return repo
