"""What can go wrong between imagebot and a forge, and who can help.

    Transient
    ├── ForgeUnavailable        down, too slow, or not reached
    ├── ForgeRateLimited        it refuses requests for now
    ├── ForgeConflict           it is busy with another change of the same thing
    ├── UnexpectedForgeAnswer   it answered something that is none of its answers
    ├── UnknownMergeRequest     deleted since it was listed
    └── BranchNotVisible        pushed, but not seen by the forge yet
    NeedsOperator
    ├── UnusableForge           the settings of the forge cannot be used
    ├── UntrustedForge          its certificate is not accepted
    ├── ForgeAccessDenied       its token is wrong or may not do this
    ├── UnknownProject          there is no such project, or the token may not see it
    ├── ForgeMoved              forge or project have another address now
    ├── UnfitProject            it is archived, or has no merge requests
    ├── TokenTooWeak            a right that imagebot needs is missing
    └── ForgeRefused            it understood the request and will not do it

Their texts hold no credentials. What a forge said goes into them shortened and as one line.
"""

from imagebot.errors import NeedsOperator, Transient


class ForgeUnavailable(Transient):
    """The forge did not answer, or answered that it is out of order (HTTP 5xx)."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} is unavailable: {reason}")
        self.host = host
        self.reason = reason


class ForgeRateLimited(Transient):
    """The forge refuses requests for now (HTTP 429)."""

    def __init__(self, host: str, retry_after_s: float | None) -> None:
        wait = "" if retry_after_s is None else f" for the next {retry_after_s:.0f} s"
        super().__init__(f"{host} is limiting our requests{wait}")
        self.host = host
        self.retry_after_s = retry_after_s


class ForgeConflict(Transient):
    """The forge is busy with another change of the same thing (HTTP 409)."""

    def __init__(self, host: str, said: str) -> None:
        super().__init__(f"{host} reports a conflict: {said}")
        self.host = host
        self.said = said


class UnexpectedForgeAnswer(Transient):
    """The answer is none that this operation has: no JSON, a field missing, too long."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} gave an unexpected answer: {reason}")
        self.host = host
        self.reason = reason


class UnknownMergeRequest(Transient):
    """A merge request that was there when the round began is gone; the next round sees what is left."""

    def __init__(self, host: str, project: str, name: str) -> None:
        super().__init__(f"{project} on {host} has no merge request {name} any more")
        self.host = host
        self.project = project
        self.name = name


class BranchNotVisible(Transient):
    """The forge still does not know a branch some seconds after it was pushed."""

    def __init__(self, host: str, branch: str) -> None:
        super().__init__(f"{host} does not see the branch {branch} yet, though it was pushed")
        self.host = host
        self.branch = branch


class UnusableForge(NeedsOperator):
    """What the settings say about the forge cannot be used."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} cannot be used as a forge: {reason}")
        self.host = host
        self.reason = reason


class UntrustedForge(NeedsOperator):
    """The forge's certificate is not accepted, so nothing was sent to it."""

    def __init__(self, host: str, authorities: str) -> None:
        super().__init__(f"the certificate of {host} is not accepted; it was checked against {authorities}")
        self.host = host
        self.authorities = authorities


class ForgeAccessDenied(NeedsOperator):
    """The forge refuses the token (HTTP 401), or does not let it do this (HTTP 403)."""

    def __init__(self, host: str, status: int, *, project: str, needed: str, said: str) -> None:
        found = (
            "refuses the token, as if wrong, expired or revoked" if status == 401 else "does not let the token do this"
        )
        super().__init__(f"{host} {found} (HTTP {status}: {said}); the token set for {project} needs {needed}")
        self.host = host
        self.status = status
        self.project = project


class UnknownProject(NeedsOperator):
    """There is no such project, or the token may not see it: a forge answers the same (HTTP 404)."""

    def __init__(self, host: str, project: str) -> None:
        super().__init__(
            f"{host} has no project {project} with merge requests that the token may see; "
            "check the project's path and whether the token's user is a member"
        )
        self.host = host
        self.project = project


class ForgeMoved(NeedsOperator):
    """The forge points to another address (HTTP 3xx), which is not followed: the settings name where the token goes."""

    def __init__(self, host: str, project: str, location: str) -> None:
        super().__init__(
            f"{host} says that {project} is now at {location}; "
            "set the forge's URL, or the project's path or number, to match"
        )
        self.host = host
        self.project = project
        self.location = location


class UnfitProject(NeedsOperator):
    """The project is there, but no merge request can be opened in it."""

    def __init__(self, host: str, project: str, reason: str) -> None:
        super().__init__(f"imagebot cannot work in {project} on {host}: {reason}")
        self.host = host
        self.project = project
        self.reason = reason


class TokenTooWeak(NeedsOperator):
    """The token is good, and lacks a right that imagebot needs."""

    def __init__(self, host: str, project: str, *, has: str, needed: str) -> None:
        super().__init__(f"the token set for {project} on {host} has {has}, and needs {needed}")
        self.host = host
        self.project = project
        self.has = has
        self.needed = needed


class ForgeRefused(NeedsOperator):
    """The forge understood the request and will not do it (another HTTP 4xx)."""

    def __init__(self, host: str, status: int, said: str) -> None:
        super().__init__(f"{host} refuses the request (HTTP {status}): {said}")
        self.host = host
        self.status = status
        self.said = said
