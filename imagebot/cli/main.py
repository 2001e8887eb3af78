"""The command line: what each command takes, and what its end means to the shell.

A command's module is imported when it is run, so that `imagebot --version` loads nothing it does not need. This is the
one place that turns errors into exit codes: 0 done, 1 something failed, 2 usage or settings, 3 bug, 130 interrupted.
"""

import io
import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import imagebot
from imagebot.errors import ImagebotError
from imagebot.log import LogFormat, LogLevel

EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130

# A paragraph is one line: the help is folded where it is shown.
_CHECK_HELP = (
    "Check the policy file against the files of its repository, offline: for that repository's own CI.\n\n"
    "Errors, with which the exit code is 1: faults of the policy file, entries and sites that match nothing, markers "
    "that are none or bind nothing, files that cannot be read.\n\n"
    "Notices: images that no entry governs, what looks like an image and is left alone, links and submodules, objects "
    "of Flux that cannot be expressed or govern nothing."
)
_SET_HELP = (
    "Set the tag or the digest of images wherever files name them, and change no other byte.\n\n"
    "A folder stands for the files *.yaml and *.yml in it, in a git work tree for those that git does not ignore. "
    "Standard input is read if PATH is -, or if there is none and it is a pipe; the result is written to standard "
    "output, if all that was asked for could be done.\n\n"
    "A tag moves together with its digest: where a digest stands and none is given, the place stays as it is. "
    "IMAGE=@DIGEST leaves the tag as it is. The exit code is 1 if an image is found nowhere, or if a place cannot be "
    "set; what holds a variable is left alone and said."
)
_TAGS_HELP = (
    "List the tags of an image, with version, age and digest: the highest versions first, then what is no version.\n\n"
    "The age is from when the registry says that a tag was pushed, else from when it was first seen, if that is "
    "remembered in the data_dir of the settings. With a tag only that one is shown.\n\n"
    "The exit code is 1 if the tags or a digest cannot be had."
)
_AUTH_CHECK_HELP = (
    "Try logins to registries, and say what works, what does not, and why.\n\n"
    "HOST: does the registry take each login that is for it or for a part of it? IMAGE: can its tags be read? Without "
    "either, every registry that the settings, docker's configuration or a pull secret names is tried.\n\n"
    "The exit code is 1 if anything does not work. No secret is shown."
)

app = typer.Typer(
    name="imagebot",
    help="Proposes newer container images to Git config repositories, as merge requests that change no other byte.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class OutputFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class SchemaOf(StrEnum):
    POLICY = "policy"
    SETTINGS = "settings"


SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", "-s", metavar="FILE", help="The settings file.", envvar="IMAGEBOT_SETTINGS"),
]
PolicyPath = Annotated[str, typer.Option("--policy-file", metavar="PATH", help="The policy file, as a path in DIR.")]
Format = Annotated[OutputFormat, typer.Option("--format", "-f", help="For people, or for programs.")]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        sys.stdout.write(f"imagebot {imagebot.__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass


@app.command()
def plan(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A checkout of a config repository.", exists=True, file_okay=False)
    ] = Path(),
    policy_file: PolicyPath = ".imagebot.yaml",
    write: Annotated[bool, typer.Option("--write", help="Edit the files.")] = False,
    settings: SettingsFile = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Show what would change in a checkout: a table and a diff. Needs no forge and no token.

    Settings are needed only for registries that want more than docker's own logins: plain HTTP, an own CA.
    """
    from imagebot.cli.plan import run_plan

    raise typer.Exit(
        run_plan(directory, policy_file, settings=settings, write=write, as_json=output is OutputFormat.JSON)
    )


@app.command(help=_CHECK_HELP)
def check(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A checkout of a config repository.", exists=True, file_okay=False)
    ] = Path(),
    policy_file: PolicyPath = ".imagebot.yaml",
    strict: Annotated[bool, typer.Option("--strict", help="Make errors of the notices.")] = False,
    output: Format = OutputFormat.TEXT,
) -> None:
    from imagebot.cli.check import run_check

    raise typer.Exit(run_check(directory, policy_file, is_strict=strict, as_json=output is OutputFormat.JSON))


@app.command("set", help=_SET_HELP)
def set_images(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE=TAG | PATH",
            help="IMAGE=TAG, IMAGE=TAG@DIGEST or IMAGE=@DIGEST; then files, folders, or - for standard input.",
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", "--diff", help="Show the diff, and edit nothing.")] = False,
    policy_file: Annotated[
        Path | None,
        typer.Option(
            "--policy-file", metavar="FILE", help="Find its sites too, and of folders take the files that it includes."
        ),
    ] = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    from imagebot.cli.set import Scope, run_set

    scope = None
    if policy_file is not None:
        from imagebot.cli.policy import read_policy

        scope = Scope(policy_file.parent, policy_file.name, read_policy(policy_file.parent, policy_file.name))
    raise typer.Exit(run_set(words, scope=scope, is_dry=dry_run, as_json=output is OutputFormat.JSON))


@app.command()
def once(
    settings: SettingsFile = Path("config/imagebot.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, push and propose nothing.")] = False,
    output: Format = OutputFormat.TEXT,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="What is logged to standard error.")
    ] = LogLevel.WARNING,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="How it is logged.")] = LogFormat.CONSOLE,
) -> None:
    """Poll the registries and update every target of the settings, once."""
    from imagebot.cli.once import run_once
    from imagebot.log import configure_logging

    configure_logging(log_level, log_format)
    raise typer.Exit(
        run_once(settings or Path("config/imagebot.yaml"), is_dry=dry_run, as_json=output is OutputFormat.JSON)
    )


@app.command(help=_TAGS_HELP)
def tags(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="As it stands in files, with a tag or without.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many are shown.")] = 20,
    digests: Annotated[bool, typer.Option("--digests/--no-digests", help="Ask what each of them points to.")] = True,
    settings: SettingsFile = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    from imagebot.cli.tags import run_tags

    as_json = output is OutputFormat.JSON
    raise typer.Exit(run_tags(image, settings=settings, limit=limit, has_digests=digests, as_json=as_json))


auth = typer.Typer(help="Logins to registries.", no_args_is_help=True)
app.add_typer(auth, name="auth")


@auth.command("check", help=_AUTH_CHECK_HELP)
def auth_check(
    subject: Annotated[
        str | None, typer.Argument(metavar="[HOST | IMAGE]", help="A registry, as in ghcr.io, or an image.")
    ] = None,
    settings: SettingsFile = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    from imagebot.cli.auth import run_auth_check

    raise typer.Exit(run_auth_check(subject, settings=settings, as_json=output is OutputFormat.JSON))


store = typer.Typer(help="What imagebot remembers between rounds.", no_args_is_help=True)
app.add_typer(store, name="store")


@store.command("check")
def store_check(settings: SettingsFile = Path("config/imagebot.yaml"), output: Format = OutputFormat.TEXT) -> None:
    """Show whether the store is sound, and what is in it; it is not changed. The exit code is 1 if it is not sound."""
    from imagebot.cli.store import run_store_check

    file = settings or Path("config/imagebot.yaml")
    raise typer.Exit(run_store_check(file, as_json=output is OutputFormat.JSON))


@store.command("vacuum")
def store_vacuum(
    settings: SettingsFile = Path("config/imagebot.yaml"),
    full: Annotated[
        bool, typer.Option("--full", help="Make PostgreSQL's files smaller too; meanwhile nobody can use them.")
    ] = False,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Forget what is kept for no longer, and give the space back; imagebot may run meanwhile."""
    from imagebot.cli.store import run_store_vacuum

    file = settings or Path("config/imagebot.yaml")
    raise typer.Exit(run_store_vacuum(file, is_full=full, as_json=output is OutputFormat.JSON))


@app.command()
def schema(
    which: Annotated[SchemaOf, typer.Argument(help="The policy file, or the settings.", show_default=False)],
) -> None:
    """Print the JSON Schema of the policy file or of the settings, for editors that complete and check."""
    from imagebot.settings.json_schema import make_schema_of_policy_file, make_schema_of_settings

    make = make_schema_of_settings if which is SchemaOf.SETTINGS else make_schema_of_policy_file
    sys.stdout.write(make())


@app.command()
def run(
    settings: SettingsFile = Path("config/imagebot.yaml"),
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="What is logged to standard error.")
    ] = LogLevel.INFO,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="How it is logged.")] = LogFormat.JSON,
) -> None:
    """Keep every target of the settings current, until a signal ends it; with a status page, metrics and webhooks."""
    from imagebot.cli.run import run_service

    file = settings or Path("config/imagebot.yaml")
    raise typer.Exit(run_service(file, log_level=log_level, log_format=log_format))


@app.command()
def demo() -> None:
    """Run the whole loop on this machine, with nothing else installed: from a new tag to the proposed change."""
    from imagebot.cli.demo import run_demo

    raise typer.Exit(run_demo())


def main() -> NoReturn:
    """Run the command line, and end with an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal has every character
    code = _run()
    if code == EXIT_INTERRUPTED:
        _end_without_threads()
    sys.exit(code)


def _run() -> int | str | None:
    try:
        app()
    except SystemExit as end:  # also of an interrupt, which typer makes 130 of
        return end.code
    except ImagebotError as error:
        sys.stderr.write(f"imagebot: {error}\n")
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001 - the one place where a bug ends the program, with its traceback
        import traceback

        sys.stderr.write("imagebot has a bug; please report this:\n" + traceback.format_exc())
        return EXIT_BUG
    return 0


def _end_without_threads() -> NoReturn:
    """End at once: the interpreter would wait for threads, and they for a registry that may not answer."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(EXIT_INTERRUPTED)
