"""What goes wrong when git talks to a server, and the one table that tells which it was.

Git answers exit status 128 for a wrong password, a missing project and a pulled cable alike: only its text, always
English under LC_ALL=C, tells them apart. Where there is something better (the lines of `push --porcelain`, the branches
that the server lists), that is used instead, in repo.py.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from imagebot.errors import ImagebotError, NeedsOperator, Transient
from imagebot.secret import MASK, Secret

_SAID_CHARACTERS = 800


class GitUnavailable(Transient):
    """The server cannot be reached, does not answer in time, fails, or fails in a way that is not in the table."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url} is not available: {said}")
        self.url = url
        self.said = said


class MirrorFull(Transient):
    """There is no room for what git writes into the mirror; git goes on as soon as there is."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"the mirror of {url} cannot be written; make room in data_dir: {said}")
        self.url = url
        self.said = said


class BranchMoved(Transient):
    """The branch is not as it was when we looked: it moved, appeared or vanished meanwhile."""

    def __init__(self, url: str, branch: str | None) -> None:
        super().__init__(f"{branch or 'a branch'} of {url} moved while it was worked on")
        self.url = url
        self.branch = branch


class MirrorDamaged(Transient):
    """The mirror on disk cannot be read; it is made anew the next time it is opened."""

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(f"the mirror at {path} is damaged and will be fetched anew: {said}")
        self.path = path
        self.said = said


class GitAccessDenied(NeedsOperator):
    """The server knows the project but not us, or does not let us do this."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url} denies access; check user name, password or key, and what they permit: {said}")
        self.url = url
        self.said = said


class UnknownProject(NeedsOperator):
    """There is no git repository at the URL, or none that our credentials may see."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url} is no git repository that these credentials may see; check the URL: {said}")
        self.url = url
        self.said = said


class UntrustedServer(NeedsOperator):
    """The server's certificate or host key cannot be verified."""

    def __init__(self, url: str, said: str) -> None:
        means = (
            "certificate; name its CA in ca_file"
            if url.startswith("https:")
            else "host key; add it to ssh_known_hosts_file"
        )
        super().__init__(f"{url} shows an unknown {means}: {said}")
        self.url = url
        self.said = said


class UnknownBranch(NeedsOperator):
    """The git repository has no such branch."""

    def __init__(self, url: str, branch: str, *, is_empty: bool) -> None:
        why = "the repository is empty, push a first commit to it" if is_empty else "check the name"
        super().__init__(f"{url} has no branch {branch}: {why}")
        self.url = url
        self.branch = branch
        self.is_empty = is_empty


class PushRefused(NeedsOperator):
    """The server does not take what we push: a hook, a protected branch, a name that cannot be."""

    def __init__(
        self, url: str, branch: str, said: str, *, advice: str = "see its protected branches, push rules and hooks"
    ) -> None:
        super().__init__(f"{url} refuses a push to {branch}: {said}; {advice}")
        self.url = url
        self.branch = branch
        self.said = said


class PushOptionsRefused(NeedsOperator):
    """The server takes no push options, so git sends it nothing."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url} takes no push options; take push_options out of the target's forge: {said}")
        self.url = url
        self.said = said


Fault = Callable[[str, str], ImagebotError]

# The first row that matches decides. These are what git says, and ssh for it.
_GIT_SAYS: tuple[tuple[str, Fault], ...] = (
    (r"No space left on device|Disk quota exceeded|File too large", MirrorFull),
    (r"Host key verification failed|host key is known for", UntrustedServer),
    (r"SSL certificate problem|certificate verif|certificate subject name|server verification failed", UntrustedServer),
    (r"setting certificate|SSL CA cert|trust anchors", UntrustedServer),
    (r"could not read (Username|Password)|Authentication failed|returned error: 40[13]", GitAccessDenied),
    (r"Permission denied|Too many authentication failures|dubious ownership", GitAccessDenied),
    (r"repository '.*' not found|does not appear to be a git repository|is this a git repository", UnknownProject),
    (r"returned error: (30\d|410)|update url base from redirection", UnknownProject),
    (r"does not support push options", PushOptionsRefused),
    (r"not our ref|unadvertised object", lambda url, _: BranchMoved(url, None)),
)
# And these what a forge says over SSH, where it has no status codes; over HTTP its words never choose the class.
_FORGE_SAYS: tuple[tuple[str, Fault], ...] = (
    (r"ERROR: .*(denied|not allowed|read only|permission to push)", GitAccessDenied),
    (r"ERROR: .*(not found|not be found)", UnknownProject),
)
# These a server gives as the reason why a ref was not updated, where waiting may help.
_PASSING_REFUSAL = r"failed to (update ref|lock|write)|cannot lock ref|unpacker error"


def recognise_fault(url: str, stderr: bytes, *, secrets: Iterable[Secret]) -> ImagebotError:
    """Make the error that a failed command's standard error tells of: GitUnavailable unless it is in the table."""
    said = clean(stderr, secrets=secrets)
    lines = stderr.decode(errors="replace").splitlines()
    from_forge = [line for line in lines if line.startswith(("remote:", "ERROR:"))]
    from_git = [line for line in lines if line not in from_forge]
    is_http = url.startswith("http")
    return (
        _find_fault(_GIT_SAYS, from_git, url=url, said=said)
        or (None if is_http else _find_fault(_FORGE_SAYS, from_forge, url=url, said=said))
        or GitUnavailable(url, said)
    )


def is_passing(summary: str) -> bool:
    """Tell whether a refused push, as `push --porcelain` sums it up, may pass later without anyone's doing."""
    return re.search(_PASSING_REFUSAL, summary) is not None


def _find_fault(
    table: Iterable[tuple[str, Fault]], lines: Iterable[str], *, url: str, said: str
) -> ImagebotError | None:
    text = "\n".join(lines)
    return next((fault(url, said) for pattern, fault in table if re.search(pattern, text)), None)


def clean(stderr: bytes, *, secrets: Iterable[Secret], only_server: bool = False) -> str:
    """Make one line of what git printed, fit to be shown: without secrets and control characters, of limited length.

    `only_server` keeps what the server said and drops what git adds to it.
    """
    lines = stderr.decode(errors="replace").splitlines()
    kept = (line.removeprefix("remote:") for line in lines if line.startswith("remote:") or not only_server)
    printable = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in kept)
    said = "; ".join(line for line in printable if line) or "no reason given"
    for secret in secrets:
        said = said.replace(secret.reveal(), MASK)
    return said if len(said) <= _SAID_CHARACTERS else said[:_SAID_CHARACTERS] + " ..."
