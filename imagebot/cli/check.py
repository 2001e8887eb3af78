"""`imagebot check`: whether a policy file and the files of its repository fit together, without any network.

For that repository's own CI: one finding a line, and an exit code.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from imagebot.cli.checkout import FOLDER, LINK
from imagebot.cli.display import count, make_console
from imagebot.cli.policy import normalise, read_included, read_policy
from imagebot.proposal.check import Finding, Kind, Severity, find_mistakes
from imagebot.proposal.markup import visible
from imagebot.settings.fault import Fault
from imagebot.settings.policy_file import InvalidPolicyFile

_STYLES = {Severity.ERROR: "red", Severity.NOTICE: "yellow"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and how many files were read for it, the policy file not counted."""

    findings: tuple[Finding, ...]
    files: int

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)


def run_check(directory: Path, policy_file: str, *, is_strict: bool, as_json: bool) -> int:
    """Check, and show what was found; return the exit code."""
    checked = check(directory, policy_file)
    if is_strict:
        strict = (replace(finding, severity=Severity.ERROR) for finding in checked.findings)
        checked = replace(checked, findings=tuple(sorted(strict, key=lambda finding: finding.rank)))
    if as_json:
        sys.stdout.write(json.dumps(summarize(checked), indent=2) + "\n")
    else:
        show(make_console(), checked, directory)
    return 1 if checked.count(Severity.ERROR) else 0


def check(directory: Path, policy_file: str) -> Checked:
    """Read and check; faults of the policy file are findings. Raises MissingPolicyFile, Unlistable, InvalidInput."""
    policy_file = normalise(policy_file)
    try:
        policy = read_policy(directory, policy_file)
    except InvalidPolicyFile as error:
        return Checked(tuple(map(_make_finding, error.faults)), 0)
    files, unread = read_included(directory, policy, policy_file=policy_file)
    mistakes = find_mistakes(files, policy.entries, sites=policy.sites, reads_flux=policy.flux, policy_file=policy_file)
    # Git keeps links and submodules beside files, and many a repository has them on purpose.
    unread_findings = (
        Finding(
            Severity.NOTICE if each.reason in (LINK, FOLDER) else Severity.ERROR,
            Kind.UNREADABLE,
            each.path,
            None,
            None,
            f"not read: {each.reason}",
        )
        for each in unread
    )
    return Checked(tuple(sorted((*mistakes, *unread_findings), key=lambda finding: finding.rank)), len(files))


def _make_finding(fault: Fault) -> Finding:
    key = f"{fault.path}: " if fault.path else ""
    text = f"{key}found {fault.found}; accepted is {fault.accepted}"
    return Finding(Severity.ERROR, Kind.POLICY, fault.file, fault.line, fault.column, text)


def summarize(checked: Checked) -> Mapping[str, object]:
    """Make what `--format json` prints."""
    return {
        "findings": [
            {
                "severity": finding.severity.value,
                "kind": finding.kind.value,
                "path": finding.path,
                "line": finding.line,
                "column": finding.column,
                "text": finding.text,
            }
            for finding in checked.findings
        ],
        "errors": checked.count(Severity.ERROR),
        "notices": checked.count(Severity.NOTICE),
        "files": checked.files,
    }


def show(console: Console, checked: Checked, directory: Path) -> None:
    """Print one finding a line, with its path as seen from where the command runs, and a summary."""
    for finding in checked.findings:
        console.print(_make_line(finding, directory), soft_wrap=True)
    errors, notices = checked.count(Severity.ERROR), checked.count(Severity.NOTICE)
    found = f"{count(errors, 'error')}, {count(notices, 'notice')}" if checked.findings else "nothing found"
    console.print(f"Checked {_describe_files(checked)}: {found}.")


def _describe_files(checked: Checked) -> str:
    is_faulty = any(finding.kind is Kind.POLICY for finding in checked.findings)
    return "the policy file alone" if is_faulty else f"the policy file and {count(checked.files, 'file')}"


def _make_line(finding: Finding, directory: Path) -> Text:
    parts = (str(directory / finding.path), finding.line, finding.column)
    place = ":".join(str(part) for part in parts if part is not None)
    return Text.assemble(
        visible(place), ": ", (finding.severity.value, _STYLES[finding.severity]), ": ", visible(finding.text)
    )
