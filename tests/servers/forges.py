"""Loopback forges by what the settings call them, each watched for what its description does not allow."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers import gitlab
from tests.servers.contract import Contract, find_contract
from tests.servers.loopback_forge import INJECTED, LoopbackForge, NoForge


def load_contract(forge: str) -> Contract | None:
    """Read the description of a forge's operations; None if there is none here."""
    if forge == "git":
        return None
    path = find_contract("gitlab-rest.yaml")
    return Contract(path, undescribed=gitlab.UNDESCRIBED) if path else None


@contextmanager
def start_forge(forge: str, bare: Path, contract: Contract | None) -> Iterator[LoopbackForge | NoForge]:
    """Start a forge on a bare repository.

    At the end nothing was sent that it would ignore, and every request and answer fits the contract, if there is one.
    """
    if forge == "git":
        yield NoForge()
        return
    with ExitStack() as stack:
        server = stack.enter_context(gitlab.LoopbackGitLab(bare))
        if contract is not None:
            contract.faults.clear()
            root = f"{server.url}{server.dialect.root}"
            stack.enter_context(contract.watch(root, is_exempt=lambda r: INJECTED in r.headers))
        yield server
    assert server.faults == []
    assert contract is None or contract.faults == []
