"""`imagebot set`: what a person says an image shall be, written wherever files, folders or standard input name it.

It goes the way of `update` from the place to the bytes, by the same functions: locate, make_edits, rewrite.
"""

import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from imagebot.cli.checkout import FOLDER, LINK, list_paths, read_files, replace_file
from imagebot.cli.display import count, make_console, show_diff
from imagebot.errors import ImagebotError, InvalidInput
from imagebot.image.reference import Repository
from imagebot.proposal.assign import Assigned, Assignment, Place, Result, assign, parse_assignments
from imagebot.proposal.diff import unified_diff
from imagebot.proposal.markup import visible
from imagebot.proposal.survey import Unread
from imagebot.yamledit.scan import MAX_BYTES

if TYPE_CHECKING:
    from imagebot.settings.policy_file import PolicyFile

_STDIN = "-"
_STDIN_NAME = "standard input"
_ENDINGS = (".yaml", ".yml")
_POLICY_FILE = ".imagebot.yaml"
_ACCEPTED = "accepted are files, folders (as . for this one) or - for standard input, behind all IMAGE=TAG"


@dataclass(frozen=True, slots=True)
class Scope:
    """A policy file of which the sites and the included files count, and the folder that its paths begin in."""

    root: Path
    file: str
    policy: "PolicyFile"


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, as a folder and a path in it; `shown` is how people named it, and `inside` its path for the sites."""

    directory: Path
    path: str
    shown: str
    inside: str
    is_named: bool


@dataclass(slots=True)
class _Report:
    """What came of all files; those `passed_over` are links, which are none of a folder's."""

    assignments: Mapping[Repository, Assignment]
    files: list[Assigned] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    passed_over: list[Unread] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def list_places(self) -> Iterator[Place]:
        for file in self.files:
            yield from file.places

    def count_results(self, assignment: Assignment) -> Mapping[Result, int]:
        return Counter(place.result for place in self.list_places() if place.assignment is assignment)

    def is_settled(self, assignment: Assignment) -> bool:
        """Whether at least one place says what it shall."""
        results = self.count_results(assignment)
        return bool(results[Result.EDITED] or results[Result.UNCHANGED])

    @property
    def is_whole(self) -> bool:
        is_refused = any(place.result is Result.REFUSED for place in self.list_places())
        is_settled = all(map(self.is_settled, self.assignments.values()))
        return is_settled and not (is_refused or self.unread)

    @property
    def diff(self) -> str:
        return "".join(unified_diff(file.path, file.before, file.after) for file in self.files)


def run_set(words: Sequence[str], *, scope: Scope | None, is_dry: bool, as_json: bool) -> int:
    """Set the images that the first words name in the files that the others do; return the exit code."""
    texts, paths = _divide(words)
    assignments = parse_assignments(texts)
    if paths == [_STDIN] or (not paths and _is_piped()):
        if scope is not None:
            raise InvalidInput("--policy-file says what stands in files at their paths, and standard input has none")
        return _filter(assignments, is_dry=is_dry, as_json=as_json)
    report = _Report(assignments)
    for source in _list_sources(paths, scope):
        _set_in_file(source, report, scope=scope, is_dry=is_dry)
    diff = report.diff if is_dry else ""
    if as_json:
        sys.stdout.write(_write_json(report))
    else:
        if diff:
            show_diff(make_console(), diff)
        _write_text(sys.stdout, report, is_dry=is_dry)
    return 0 if report.is_whole else 1


def _divide(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide at the first word that says nothing of an image; a file a=b is called ./a=b there."""
    first = next((n for n, word in enumerate(words) if "=" not in word or word.startswith((".", "/"))), len(words))
    if not first:
        raise InvalidInput(f"{words[0]!r} is no IMAGE=TAG, as nginx=1.27 is one, and nothing is set without")
    return list(words[:first]), list(words[first:])


def _is_piped() -> bool:
    """Whether something was meant to be read: a pipe or a file, and no terminal or null device."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _list_sources(paths: Sequence[str], scope: Scope | None) -> list[_Source]:
    """List the files, each once, in the order of the paths. Raises InvalidInput before anything is edited."""
    if not paths:
        raise InvalidInput(f"no PATH is given; {_ACCEPTED}")
    for path in paths:
        if not path or path == _STDIN or not os.path.lexists(path):
            found = f"the PATH {path!r} stands beside others" if path == _STDIN else f"there is no file {path!r}"
            raise InvalidInput(f"{found}; {_ACCEPTED}")
    sources: dict[Path, _Source] = {}
    for path in paths:
        for source in _expand(Path(path), scope):
            sources.setdefault(Path(source.directory).resolve() / source.path, source)
    return list(sources.values())


def _expand(path: Path, scope: Scope | None) -> Iterator[_Source]:
    if not path.is_dir():
        yield _make_source(path.parent, path.name, scope, is_named=True)
        return
    for inside in list_paths(path):
        source = _make_source(path, inside, scope, is_named=False)
        if scope is None:
            is_included = inside.endswith(_ENDINGS) and Path(inside).name != _POLICY_FILE
        else:
            readable = source.inside.encode(errors="replace").decode()
            is_included = scope.policy.includes(readable) and source.inside != scope.file
        if is_included:
            yield source


def _make_source(directory: Path, path: str, scope: Scope | None, *, is_named: bool) -> _Source:
    inside = ""
    if scope is not None:
        full, root = directory.resolve() / path, scope.root.resolve()
        if not full.is_relative_to(root):
            raise InvalidInput(f"{directory / path} does not lie in {root}, the folder of the policy file")
        inside = full.relative_to(root).as_posix()
    return _Source(directory, path, str(directory / path), inside, is_named)


def _set_in_file(source: _Source, report: _Report, *, scope: Scope | None, is_dry: bool) -> None:
    """Edit one file, or note why not; whatever it is, the next one goes on."""
    files, unread = read_files(source.directory, [source.path])
    for each in unread:
        is_link = each.reason in (LINK, FOLDER) and not source.is_named
        (report.passed_over if is_link else report.unread).append(replace(each, path=source.shown))
    for data in files.values():
        sites = scope.policy.sites if scope is not None else ()
        assigned = _show_as(source.shown, assign(source.inside, data, report.assignments, sites=sites))
        if assigned.after != data and not is_dry:
            assigned = _write(source, assigned)
            report.written += [source.shown] if assigned.after != data else []
        # Of what does not change no bytes are kept, for folders may be large.
        report.files.append(assigned if assigned.after != data else replace(assigned, before=b"", after=b""))
        report.unread += [assigned.fault] if assigned.fault else []


def _write(source: _Source, assigned: Assigned) -> Assigned:
    """Write the file, or say of it what it is then."""
    try:
        replace_file(source.directory, source.path, before=assigned.before, after=assigned.after)
    except ImagebotError as error:
        return assigned.refuse(str(error))
    return assigned


def _show_as(shown: str, assigned: Assigned) -> Assigned:
    """Name the file as people did."""
    return replace(
        assigned,
        path=shown,
        places=tuple(replace(place, path=shown) for place in assigned.places),
        doubtful=tuple(replace(each, path=shown) for each in assigned.doubtful),
        fault=None if assigned.fault is None else replace(assigned.fault, path=shown),
    )


def _filter(assignments: Mapping[Repository, Assignment], *, is_dry: bool, as_json: bool) -> int:
    """Read standard input and write the result, or the diff, if it is whole; what is said of it goes elsewhere.

    Who reads the result in a pipe sees no exit code, so there is none rather than half of it.
    """
    if not sys.stdin:  # the parent process closed it
        raise InvalidInput(f"{_STDIN_NAME} is closed")
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{_STDIN_NAME} has more than {MAX_BYTES} bytes")
    assigned = assign(_STDIN_NAME, data, assignments)
    report = _Report(assignments, [assigned], [assigned.fault] if assigned.fault else [])
    if is_dry and report.diff:
        show_diff(make_console(), report.diff)
    if not is_dry and report.is_whole:
        sys.stdout.buffer.write(assigned.after)
        sys.stdout.buffer.flush()
    if as_json:
        sys.stderr.write(_write_json(report))
    else:
        _write_text(sys.stderr, report, is_dry=is_dry or not report.is_whole)
    return 0 if report.is_whole else 1


def _write_json(report: _Report) -> str:
    summary = {
        "images": [
            {
                "image": str(assignment.repository),
                "tag": assignment.tag,
                "digest": assignment.digest,
                **{result.value: report.count_results(assignment)[result] for result in Result},
            }
            for assignment in report.assignments.values()
        ],
        "places": [
            {
                "image": str(place.assignment.repository),
                "path": place.path,
                "line": place.line,
                "column": place.column,
                "result": place.result.value,
                "before": place.before,
                "after": place.after,
                "reason": place.reason,
            }
            for place in report.list_places()
        ],
        "diff": report.diff,
        "written": report.written,
        "not_read": [str(each) for each in report.unread],
        "passed_over": [str(each) for each in report.passed_over],
        "doubtful": [str(each) for file in report.files for each in file.doubtful],
    }
    return json.dumps(summary, indent=2) + "\n"


def _write_text(stream: TextIO, report: _Report, *, is_dry: bool) -> None:
    """Write one line for each place, file and image; `is_dry` is whether what would be edited is not."""
    for line in (*_list_details(report), *_conclude(report, is_dry=is_dry)):
        stream.write(visible(line) + "\n")


def _list_details(report: _Report) -> Iterator[str]:
    for place in report.list_places():
        at = f"{place.path}:{place.line}:{place.column}: {place.before}"
        if place.result is Result.EDITED:
            yield f"{at} -> {place.after}"
        elif place.reason is not None:
            yield f"{at}: {'refused' if place.result is Result.REFUSED else 'left alone'}: {place.reason}"
    doubtful = (each for file in report.files for each in file.doubtful)
    yield from (f"{each}; what it stands at was not looked at" for each in doubtful)
    yield from (f"{each.path}: not read: {each.reason}" for each in report.passed_over)
    yield from (f"not read: {each}" for each in report.unread)


def _conclude(report: _Report, *, is_dry: bool) -> Iterator[str]:
    files = _describe(report.files)
    for assignment in report.assignments.values():
        results = report.count_results(assignment)
        if not results:
            yield f"{assignment.text}: the image is found nowhere in {files}"
            continue
        edited = {place.path for place in report.list_places() if _is_edit_of(place, assignment)}
        said = [f"{count(results[Result.EDITED], 'place')} {'to edit' if is_dry else 'edited'}"]
        said[0] += f" in {count(len(edited), 'file')}" if edited else ""
        names = {Result.UNCHANGED: "as wanted already", Result.REFUSED: "refused", Result.LEFT_ALONE: "left alone"}
        said += [f"{results[result]} {name}" for result, name in names.items() if results[result]]
        yield f"{assignment.text}: {', '.join(said)}"


def _is_edit_of(place: Place, assignment: Assignment) -> bool:
    return place.assignment is assignment and place.result is Result.EDITED


def _describe(files: Iterable[Assigned]) -> str:
    paths = [file.path for file in files]
    return _STDIN_NAME if paths == [_STDIN_NAME] else count(len(paths), "file")
