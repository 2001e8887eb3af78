"""Loopback forges by what the settings call them, each watched for what its description does not allow."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers import gitea, github, gitlab
from tests.servers.contract import Contract, find_contract
from tests.servers.loopback_forge import INJECTED, Dialect, LoopbackForge, NoForge

FORGES = ("gitlab", "github", "gitea", "forgejo")
"""Those that have merge requests."""
_DESCRIPTIONS = {
    "gitlab": ("gitlab-rest.yaml", gitlab.UNDESCRIBED),
    "github": ("github-rest.yaml", github.UNDESCRIBED),
    "gitea": ("gitea-rest.yaml", gitea.UNDESCRIBED),
    "forgejo": ("gitea-rest.yaml", gitea.UNDESCRIBED),
}


def load_contract(forge: str) -> Contract | None:
    """Read the description of a forge's operations; None if there is none here."""
    if forge == "git":
        return None
    name, undescribed = _DESCRIPTIONS[forge]
    path = find_contract(name)
    return Contract(path, undescribed=undescribed) if path else None


def make_forge(forge: str, bare: Path, *, tls: ssl.SSLContext | None = None) -> LoopbackForge:
    """Make a forge that answers from a bare repository; a context manager that listens until its end."""
    return LoopbackForge(_make_dialect(forge, bare), tls=tls)


def _make_dialect(forge: str, bare: Path) -> Dialect:
    if forge == "gitlab":
        return gitlab.GitLabDialect(bare)
    if forge == "github":
        return github.GitHubDialect(bare)
    return gitea.GiteaDialect(bare, is_forgejo=forge == "forgejo")


@contextmanager
def start_forge(forge: str, bare: Path, contract: Contract | None) -> Iterator[LoopbackForge | NoForge]:
    """Start a forge on a bare repository, watched; NoForge for `git`.

    At the end nothing was sent that it would ignore, and every request and answer fits the contract, if there is one.
    """
    if forge == "git":
        yield NoForge()
        return
    with ExitStack() as stack:
        server = stack.enter_context(make_forge(forge, bare))
        if contract is not None:
            contract.faults.clear()
            root = f"{server.url}{server.dialect.root}"
            stack.enter_context(contract.watch(root, is_exempt=lambda r: INJECTED in r.headers))
        yield server
    faults = [*server.faults, *(contract.faults if contract else ())]
    assert not faults, "\n".join(faults)
