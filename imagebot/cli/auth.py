"""`imagebot auth check`: try logins as a round would use them, and say in words what works, what does not, and why."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

from imagebot.cli.display import make_console
from imagebot.cli.plan import load_or_default
from imagebot.connect import make_login_sources, make_registries
from imagebot.errors import ImagebotError
from imagebot.image.reference import Repository, parse_reference
from imagebot.proposal.markup import visible
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login, SourceKind
from imagebot.registry.errors import UnreadableCredentials
from imagebot.registry.logins import list_filed_registries
from imagebot.registry.trial import Trial, Verdict, try_logins, try_repository
from imagebot.settings.operator import Settings

_AT_ONCE = 8
# With these the user may be the secret, and so it may if it is long.
_NO_PASSWORDS = ("", "x-oauth-basic")
_LONGEST_USER = 40
_CLOUDS = (SourceKind.AWS, SourceKind.GCP, SourceKind.AZURE)
_STYLES = {
    Verdict.ACCEPTED: "green",
    Verdict.OPEN: "green",
    Verdict.REFUSED: "bold red",
    Verdict.FAILED: "yellow",
}
# What each takes for a password, where it is not what people use to log in. The end of the registry's name decides.
_HINTS = {
    "docker.io": "Docker Hub takes a personal access token in place of the password (with two-factor login, only that)",
    "ghcr.io": "GitHub takes a personal access token (classic), scope read:packages, or GITHUB_TOKEN in an Action",
    "gitlab.com": "GitLab takes a personal, group, project or deploy token with the scope read_registry",
    "quay.io": "Quay takes robot accounts by their whole name, as in acme+ci, and encrypted passwords",
    "amazonaws.com": "Amazon's passwords end after 12 hours: set login: {kind: aws} for this registry in the settings",
    "pkg.dev": "Google's access tokens end after an hour: set login: {kind: gcp} for this registry in the settings",
    "gcr.io": "Google's access tokens end after an hour: set login: {kind: gcp} for this registry in the settings",
    "azurecr.io": "Azure's tokens end after 3 hours: set login: {kind: azure} for this registry in the settings",
}


def run_auth_check(subject: str | None, *, settings: Path | None, as_json: bool) -> int:
    """Try, show, and return the exit code: 1 if anything did not work."""
    loaded = load_or_default(settings)
    with make_registries(loaded, store=None) as registries:
        trials = tuple(_try_all(subject, loaded, registries))
    now = datetime.now(UTC)
    if as_json:
        sys.stdout.write(json.dumps([summarize(trial, now=now) for trial in trials], indent=2) + "\n")
    else:
        show_trials(make_console(), trials, is_long=subject is not None, now=now)
    return 0 if all(trial.has_worked for trial in trials) else 1


def _try_all(subject: str | None, settings: Settings, registries: Registries) -> Iterator[Trial]:
    target = _parse_subject(subject, settings) if subject is not None else None
    if isinstance(target, Repository):
        yield _try_image(target, registries)
        return
    names = {target} if target is not None else set(settings.registries)
    if target is None:
        try:
            names.update(list_filed_registries(make_login_sources(settings)))
        except UnreadableCredentials as error:
            yield Trial(str(error.file), Verdict.REFUSED, None, error.reason, ())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for trials in pool.map(lambda name: _try_registry(name, registries), sorted(names)):
            yield from trials


def _try_image(repository: Repository, registries: Registries) -> Trial:
    try:
        return try_repository(registries.find_entrance(repository.registry), repository)
    except ImagebotError as error:  # as for a ca_file that cannot be read
        return Trial(repository, Verdict.REFUSED, None, str(error), ())


def _try_registry(name: str, registries: Registries) -> Sequence[Trial]:
    try:
        return try_logins(registries.find_entrance(name))
    except ImagebotError as error:
        return (Trial(name, Verdict.REFUSED, None, str(error), ()),)


def _parse_subject(text: str, settings: Settings) -> Repository | str:
    """Return the registry or the image that is meant: `ghcr.io` is one, `nginx` and `ghcr.io/acme/api:1` are others.

    Raises InvalidReference.
    """
    bare = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    host, _, port = bare.partition(":")
    looks_like_host = "." in host or host == "localhost"
    if bare in settings.registries or ("/" not in bare and looks_like_host and (not port or port.isdigit())):
        return parse_reference(f"{bare}/any/path").repository.registry
    return parse_reference(bare).repository


def summarize(trial: Trial, *, now: datetime) -> Mapping[str, object]:
    """Make what `--format json` prints of one trial."""
    found = trial.found
    return {
        "subject": str(trial.subject),
        "kind": "image" if isinstance(trial.subject, Repository) else "registry",
        "works": trial.has_worked,
        "verdict": trial.verdict.value,
        "reason": trial.reason,
        "login": None if found is None else {
            "kind": found.source.kind.value,
            "source": str(found.source),
            "user": _find_user(trial),
            "ends_at": _find_end(trial.login_lasts_s, now),
        },
        "token_ends_at": _find_end(trial.token_lasts_s, now),
        "hint": _find_hint(trial),
        "steps": [
            {"method": step.method, "url": step.url, "with": step.carried.value, "status": step.status,
             "said": step.said}
            for step in trial.steps
        ],
    }  # fmt: skip


def show_trials(console: Console, trials: Sequence[Trial], *, is_long: bool, now: datetime) -> None:
    """Print each trial: what came of it, and below that how; with all that was asked if it is long or did not work."""
    if not trials:
        console.print("No registry is named in the settings, and no login is filed; name a HOST or an IMAGE to try.")
    for trial in trials:
        head = Text.assemble((visible(str(trial.subject)), "bold"), ": ", (_describe(trial), _STYLES[trial.verdict]))
        console.print(head, soft_wrap=True)
        details = [*_list_details(trial, now=now), *(_list_steps(trial) if is_long or not trial.has_worked else ())]
        for label, text in details:
            console.print(Text.assemble((f"  {label:<7}", "dim"), visible(text)), soft_wrap=True)


def _describe(trial: Trial) -> str:
    if trial.verdict is Verdict.FAILED:
        return "it could not be found out"
    if isinstance(trial.subject, Repository):
        can = "can" if trial.has_worked else "cannot"
        return f"its tags {can} be read" + (" by anyone" if trial.has_worked and trial.found is None else "")
    if trial.has_worked:
        is_accepted = trial.verdict is Verdict.ACCEPTED and trial.found is not None
        return "the login is accepted" if is_accepted else "anyone is let in"
    if not trial.steps:
        return "there is no way in"
    return "the login is refused" if trial.found is not None else "it asks for a login"


def _list_details(trial: Trial, *, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield a label and a text each."""
    if trial.reason:
        yield "why", trial.reason.removeprefix(f"{trial.subject}: ")
    user = _find_user(trial)
    if trial.found is not None:
        who = f", user {user}" if user else ""
        yield "login", f"from {trial.found.source}{who}{_tell_end(trial.login_lasts_s, now)}"
    elif not trial.reason:
        yield "login", "none is configured, and none was needed"
    if trial.token_lasts_s is not None:
        yield "token", f"from the registry{_tell_end(trial.token_lasts_s, now)}"
    if hint := _find_hint(trial):
        yield "hint", hint


def _list_steps(trial: Trial) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(trial.steps):
        said = f": {step.said}" if step.said else ""
        yield (
            "" if number else "asked",
            f"{step.method} {step.url} with {step.carried.value} → {step.status}{said}",
        )


def _find_user(trial: Trial) -> str | None:
    """Return the user of the login, unless it may be a secret: some registries take their tokens there."""
    if trial.found is None or not isinstance(trial.found.credentials, Login):
        return None
    login = trial.found.credentials
    is_safe = login.password.reveal() not in (login.username, *_NO_PASSWORDS) and len(login.username) < _LONGEST_USER
    return login.username if is_safe else None


def _find_end(lasts_s: float | None, now: datetime) -> str | None:
    return None if lasts_s is None else f"{now + timedelta(seconds=lasts_s):%Y-%m-%dT%H:%M:%SZ}"


def _tell_end(lasts_s: float | None, now: datetime) -> str:
    if lasts_s is None:
        return ""
    hours, minutes = divmod(int(lasts_s) // 60, 60)
    lasts = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{int(lasts_s)} s"
    return f"; good for {lasts}, until {now + timedelta(seconds=lasts_s):%H:%M} UTC"


def _find_hint(trial: Trial) -> str | None:
    """Say what may help with a refusal."""
    if trial.verdict is not Verdict.REFUSED:
        return None
    subject = trial.subject
    registry = subject.registry if isinstance(subject, Repository) else subject.partition("/")[0]
    if trial.found is None and trial.steps:
        return f"docker login {registry}, or username and password for {registry} in the settings, or a pull secret"
    if trial.found is None or trial.found.source.kind in _CLOUDS:
        return None
    return next((hint for name, hint in _HINTS.items() if registry == name or registry.endswith(f".{name}")), None)
