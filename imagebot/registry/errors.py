"""What may go wrong with a registry, by who can help.

    Transient       RateLimited, LeftAlone, RegistryUnavailable, UnexpectedAnswer, UnknownManifest,
                    CredentialHelperTimedOut, CloudUnavailable; UnexpectedAnswer: UnreadableImage
    NeedsOperator   UnknownRepository, AccessDenied, UntrustedCertificate, UnusableClientCertificate, PrivateAddress,
                    UnreadableCredentials, NoCloudLogin

They stand together because every module of this package raises some of them. No text of theirs holds a credential; of
what a registry wrote they hold host names, and a word of a header in quotes.
"""

from datetime import datetime
from pathlib import Path

from imagebot.errors import NeedsOperator, Transient
from imagebot.image.reference import Repository


class UnknownRepository(NeedsOperator):
    """The registry answers 404 for a repository."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(
            f"{repository}: the registry knows no such repository (404); "
            "check the name, or give a login that may see it"
        )
        self.repository = repository


class UnknownManifest(Transient):
    """The registry answers 404 for a manifest: its tag or digest has gone since it was seen, so list again."""

    def __init__(self, repository: Repository, identifier: str) -> None:
        mark, what = ("@", "digest") if ":" in identifier else (":", "tag")
        super().__init__(
            f"{repository}{mark}{identifier}: the registry has no such {what} (404); was it deleted since it was seen?"
        )
        self.repository = repository
        self.identifier = identifier


class AccessDenied(NeedsOperator):
    """The registry or its token server does not let us in: 401, 403, or a login it asks for but may not be given."""

    def __init__(self, subject: Repository | str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = str(subject)
        self.reason = reason


class RateLimited(Transient):
    """The registry refuses requests for now: HTTP 429, distribution-spec code TOOMANYREQUESTS.

    `asked_s` is the pause it asks for, None if it does not say; `until` ends the one that is kept, of at most a day.
    """

    def __init__(self, registry: str, asked_s: float | None, *, until: datetime) -> None:
        asks = "does not say for how long" if asked_s is None else f"asks for a pause of {asked_s:.0f} s"
        super().__init__(
            f"{registry} is limiting our requests (429) and {asks}: it is left alone until {format_instant(until)};"
            " a login, a mirror or a lower requests_per_second may help (settings: registries)"
        )
        self.registry = registry
        self.asked_s = asked_s
        self.until = until


class LeftAlone(Transient):
    """No request was sent: the registry asked for a pause that is not over, or it failed again and again.

    `until` is None while one request finds out whether it works again.
    """

    def __init__(self, registry: str, reason: str, *, until: datetime | None = None) -> None:
        end = f" until {format_instant(until)}" if until is not None else ""
        super().__init__(f"{registry} is left alone{end}: {reason}")
        self.registry = registry
        self.reason = reason
        self.until = until


class RegistryUnavailable(Transient):
    """No answer, or one that speaks of a fault on the registry's side; another try at once may do if that is brief."""

    def __init__(self, registry: str, reason: str, *, is_brief: bool = False) -> None:
        super().__init__(f"{registry} is unavailable: {reason}")
        self.registry = registry
        self.reason = reason
        self.is_brief = is_brief


class UnexpectedAnswer(Transient):
    """An answer that breaks the distribution-spec or one of our limits."""

    def __init__(self, registry: str, reason: str) -> None:
        super().__init__(
            f"{registry} gave an answer that cannot be used: {reason}; if that stays so, ask those who run it"
        )
        self.registry = registry
        self.reason = reason


class UnreadableImage(UnexpectedAnswer):
    """One image is refused, or is no manifest or config that imagebot reads: the others may be had all the same."""


class UntrustedCertificate(NeedsOperator):
    """The registry's certificate cannot be verified, or what should verify it cannot be read."""

    def __init__(self, registry: str, reason: str) -> None:
        super().__init__(
            f"{registry}: its certificate cannot be verified ({reason}); "
            "if an authority of your own signed it, name that authority's PEM file as ca_file of this registry"
        )
        self.registry = registry
        self.reason = reason


class UnusableClientCertificate(NeedsOperator):
    """The registry asks who we are in TLS, and there is no certificate to say it with, or one that cannot be read."""

    def __init__(self, registry: str, reason: str) -> None:
        super().__init__(
            f"{registry}: no client certificate for it ({reason}); "
            "name PEM files as client_cert_file and client_key_file of this registry, the key without a passphrase"
        )
        self.registry = registry
        self.reason = reason


class PrivateAddress(NeedsOperator):
    """A host that the settings do not name leads to an address that is not public."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} leads to {address}, which is no public address; "
            f"if that is meant, name {host} among the registries of the settings"
        )
        self.host = host
        self.address = address


class UnreadableCredentials(NeedsOperator):
    """Docker's configuration, or a credential helper it names, does not give the login it should."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class CredentialHelperTimedOut(Transient):
    """A credential helper did not answer in time and was ended."""

    def __init__(self, program: str, registry: str, timeout_s: float) -> None:
        super().__init__(f"{program} gave no login for {registry} within {timeout_s:g} s and was ended")
        self.program = program
        self.registry = registry
        self.timeout_s = timeout_s


class NoCloudLogin(NeedsOperator):
    """A cloud gives no login for a registry of its own, or the library that would ask it is not installed."""

    def __init__(self, cloud: str, registry: str, reason: str) -> None:
        super().__init__(f"{cloud} gives no login for {registry}: {reason}")
        self.cloud = cloud
        self.registry = registry
        self.reason = reason


class CloudUnavailable(Transient):
    """A cloud cannot be asked for a login just now."""

    def __init__(self, cloud: str, registry: str, reason: str) -> None:
        super().__init__(f"{cloud} cannot be asked for the login for {registry}: {reason}")
        self.cloud = cloud
        self.registry = registry
        self.reason = reason


def format_instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
