"""`imagebot demo`: the whole loop on this machine, told as it happens.

Everything shown is real: the registry speaks HTTP, the config repository is a bare git repository, and both rounds run
as `imagebot once` runs them.
"""

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from imagebot.cli.display import make_console, show_diff
from imagebot.cli.once import show_results
from imagebot.connect import find_store
from imagebot.demo.push import push_image
from imagebot.demo.stage import PUSHED, Stage, set_stage
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.once import Once
from imagebot.policy.select import NoCandidate, Selection, count_by_rule
from imagebot.proposal.choose import Choice, Unlisted
from imagebot.proposal.outcome import Action, Outcome
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store

_NEW_IMAGE, _NEW_TAG = "shop/api", "1.4.3"
_WIDEST = 110

# What a reviewer may want to see in each diff.
_REMARKS = {
    "shop-web": "the single quotes stay",
    "shop-worker": "the file has CRLF line ends, and keeps them; the note further down, which is text, is not touched",
    "tools-metrics": "as a number, 1.10 would be 1.1: it gets quotes",
    "tools-search": "tag and digest move together",
}


def run_demo() -> int:
    """Run the demo in a folder that is gone afterwards; return the exit code."""
    configure_logging(LogLevel.ERROR, LogFormat.CONSOLE)
    console = make_console(widest=_WIDEST)
    with tempfile.TemporaryDirectory(prefix="imagebot-demo-") as folder, set_stage(Path(folder)) as stage:
        _show_stage(console, stage)
        first = _run_once(stage)
        _show_first_round(console, stage, first)
        push_image(stage.address, _NEW_IMAGE, _NEW_TAG)
        _show_second_round(console, stage, _run_once(stage))
    _show_your_own(console)
    return 1 if first.has_failed else 0


def _run_once(stage: Stage) -> Outcome:
    settings = load_settings(stage.settings_file, os.environ)
    with Store.open(find_store(settings), history=settings.history) as store:
        (outcome,) = Once(settings, store, datetime.now(UTC), lambda *_: None).run()
    return outcome


def _show_stage(console: Console, stage: Stage) -> None:
    _title(console, "1", "A registry, and what CI has pushed to it")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for path, tags in PUSHED.items():
        table.add_row(Text(f"{stage.address}/{path}", style="bold"), "  ".join(tags))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))

    _title(console, "2", "A config repository, as people write it, and its policy file")
    paths = stage.git("ls-tree", "-r", "--name-only", "main").split()
    for path in paths:
        console.print(f"  {path}")
    console.print()
    policy = stage.git("show", "main:.imagebot.yaml")
    _show_indented(console, Syntax("", "yaml", background_color="default").highlight(policy.rstrip()))


def _show_first_round(console: Console, stage: Stage, outcome: Outcome) -> None:
    _title(console, "3", "imagebot once: poll the registry, choose, propose")
    _show_choices(console, outcome.choices)
    for left in outcome.survey.left_alone if outcome.survey else ():
        console.print(Padding(Text(f"left alone: {left}", style="dim"), (0, 0, 0, 2), expand=False))
    console.print()
    show_results(console, outcome)
    opened = [result for result in outcome.results if result.action is Action.OPENED]
    api = next(result for result in opened if result.branch.endswith("api"))
    console.print(f"\n  One of these {len(opened)} branches, as a reviewer sees it: the commit and its diff\n")
    _show_commit(console, stage, api.branch)
    console.print("\n  The others:\n")
    for result in opened:
        for name, remark in _REMARKS.items():
            if result.branch.endswith(name):
                console.print(Text(f"# {name.replace('-', '/')}: {remark}", style="italic"), soft_wrap=True)
                show_diff(console, _diff(stage, result.branch))


def _show_second_round(console: Console, stage: Stage, outcome: Outcome) -> None:
    _title(console, "4", f"CI pushes {_NEW_IMAGE}:{_NEW_TAG}, and imagebot runs again")
    show_results(console, outcome)
    moved = next(result for result in outcome.results if result.action is Action.MOVED)
    console.print("\n  The same branch, moved on: still one commit on top of main\n")
    _show_commit(console, stage, moved.branch)


def _show_choices(console: Console, choices: Sequence[Choice]) -> None:
    """Print for each image and tag written what was chosen, and why no other tag was."""
    width = max(len(choice.governed.repository.path) for choice in choices) + 2
    seen = set()
    for choice in choices:
        path, policy = choice.governed.repository.path, str(choice.governed.entry.rules)
        if (path, choice.current_tag) in seen:
            continue
        seen.add((path, choice.current_tag))
        chosen = (f" → {choice.new_tag}", "green") if choice.new_tag else (" stays", "dim")
        name = (f"{path:<{width}}", "bold")
        console.print(Text.assemble("  ", name, str(choice.current_tag), chosen, (f"   {policy}", "dim")))
        if reasons := _explain(choice):
            console.print(Padding(Text(reasons, style="dim"), (0, 0, 0, width + 2), expand=False))
    console.print()


def _explain(choice: Choice) -> str:
    """List the tags that were not chosen by the rule that refused them."""
    match choice.verdict:
        case Selection(refused=refused):
            tags = {rule: sorted(tag for tag in refused if refused[tag] is rule) for rule, _ in count_by_rule(refused)}
            return "; ".join(f"{rule.value}: {', '.join(refused_by)}" for rule, refused_by in tags.items())
        case NoCandidate(reason=reason) | Unlisted(reason=reason):
            return reason


def _show_commit(console: Console, stage: Stage, branch: str) -> None:
    _show_indented(console, Text(stage.git("log", "-1", "--format=%B", branch).strip()))
    console.print()
    show_diff(console, _diff(stage, branch))


def _show_indented(console: Console, text: Text) -> None:
    for line in text.split("\n"):
        console.print(Text("    ") + line, soft_wrap=True)


def _diff(stage: Stage, branch: str) -> str:
    """Return what git itself says the branch changes, without the lines only git needs."""
    diff = stage.git("-c", "core.quotePath=false", "diff", "--unified=1", f"main...{branch}")
    return "".join(line for line in diff.splitlines(keepends=True) if not line.startswith(("diff ", "index ")))


def _title(console: Console, number: str, text: str) -> None:
    console.print()
    heading = f"{number}  {text}"
    rule = ("─" if console.encoding.startswith("utf") else "-") * max(console.width - len(heading) - 1, 3)
    console.print(Text.assemble((heading, "bold"), " ", (rule, "dim")), soft_wrap=True)
    console.print()


def _show_your_own(console: Console) -> None:
    _title(console, "5", "With your own repository")
    console.print(
        "  Put a policy file, [bold].imagebot.yaml[/bold], at the root of a checkout of your config repository: the\n"
        '  one above with your registries, or just an entry with [bold]image: "*"[/bold]. See what would change,\n'
        "  without forge or token; --write edits the files:\n\n"
        "      [bold]imagebot plan path/to/checkout[/bold]\n\n"
        "  Then write the settings, after the sample config/imagebot.yaml, and let imagebot propose it:\n\n"
        "      [bold]imagebot once --settings imagebot.yaml --dry-run[/bold]\n"
        "      [bold]imagebot once --settings imagebot.yaml[/bold]\n"
    )
