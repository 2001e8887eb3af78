"""Files as people write them, before and after images were set: every byte counts.

Each directory of `tests/golden` is a case. `images.txt` has one reference a line: what every occurrence of its
repository shall say, where it has a tag and can hold a digest. `left_alone.txt` says what looks like an image and
stays, as `FILE:LINE: TEXT: REASON`.

Where a case has a policy file, its occurrences are those that an entry governs, and the label of the entry stands
before the reference; what no entry governs is left alone.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from imagebot.image.reference import Reference, Repository, parse_reference
from imagebot.proposal.flux_survey import survey_with_flux
from imagebot.proposal.markup import visible
from imagebot.proposal.survey import LocateFiles, Survey, locate_files, survey
from imagebot.settings.policy_file import parse_policy_file
from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.kept import Found, NoYaml
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Occurrence
from imagebot.yamledit.rewrite import rewrite
from imagebot.yamledit.scan import NotYaml

_GOLDEN = Path(__file__).parent.parent / "golden"
_CASES = [pytest.param(case, id=case.name) for case in sorted(_GOLDEN.iterdir())]
_POLICY_FILE = ".imagebot.yaml"


@pytest.mark.parametrize("case", _CASES)
def test_setting_images_changes_the_golden_bytes_and_no_other(case):
    before = _read_files(case / "before")

    edits = _make_edits(case, before)

    results = {name: rewrite(data, edits[name]) if edits[name] else data for name, data in before.items()}
    assert results == _read_files(case / "after")


@pytest.mark.parametrize("case", _CASES)
def test_setting_images_twice_changes_nothing(case):
    after = _read_files(case / "after")

    assert _make_edits(case, after) == dict.fromkeys(after, ())


@pytest.mark.parametrize("case", _CASES)
def test_what_stays_is_reported_with_its_reason(case):
    expected = (case / "left_alone.txt").read_text(encoding="utf-8").splitlines()

    assert _list_left_alone(case, _look(case, _read_files(case / "before"))) == expected


@pytest.mark.parametrize("case", _CASES)
def test_the_files_name_all_images_and_no_others(case):
    found = _look(case, _read_files(case / "before"))

    named = {(label, each.reference.repository) for _, label, each in _list_occurrences(case, found)}

    assert named == set(_read_images(case))


@pytest.mark.parametrize("case", _CASES)
def test_the_quick_searches_pass_what_names_an_image(case):
    files = _read_files(case / "before")

    assert _look(case, files) == _look(case, files, locate_all=_locate_without_searching)


def _read_files(directory: Path) -> dict[str, bytes]:
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    return {file.relative_to(directory).as_posix(): file.read_bytes() for file in files}


def _read_images(case: Path) -> dict[tuple[str, Repository], Reference]:
    lines = (case / "images.txt").read_text(encoding="utf-8").splitlines()
    labelled = [(label, parse_reference(text)) for label, _, text in (line.rpartition(" ") for line in lines)]
    return {(label, reference.repository): reference for label, reference in labelled}


def _look(case: Path, files: Mapping[str, bytes], *, locate_all: LocateFiles = locate_files) -> Survey:
    """Survey the files as a plan does."""
    if not _has_policy(case):
        return survey(files, (), locate_all=locate_all)
    policy = parse_policy_file((case / _POLICY_FILE).read_bytes(), file=_POLICY_FILE)
    included = {path: data for path, data in files.items() if policy.includes(path)}
    survey_all: Callable[..., Survey] = survey_with_flux if policy.flux else survey
    return survey_all(included, policy.entries, sites=policy.sites, locate_all=locate_all)


def _has_policy(case: Path) -> bool:
    return (case / _POLICY_FILE).exists()


def _locate_without_searching(files: Mapping[str, bytes], bindings: Bindings) -> Mapping[str, Found]:
    return {path: _locate_or_refuse(path, data, bindings) for path, data in files.items()}


def _locate_or_refuse(path: str, data: bytes, bindings: Bindings) -> Found:
    try:
        return locate(data, path=path, bindings=bindings)
    except NotYaml as error:
        return NoYaml(error.line, error.column, error.reason)


def _list_occurrences(case: Path, found: Survey) -> Iterator[tuple[str, str, Occurrence]]:
    """Yield the occurrences with their files and the labels of their entries, which are empty without a policy file."""
    if _has_policy(case):
        yield from ((each.path, each.entry.label, each.occurrence) for each in found.governed)
    else:
        yield from ((path, "", occurrence) for path, occurrence in found.ungoverned)


def _list_left_alone(case: Path, found: Survey) -> list[str]:
    lines = [(each.path, each.line or 0, each.reason) for each in (*found.left_alone, *found.unreadable)]
    if _has_policy(case):
        ungoverned = found.ungoverned
        lines += [(path, each.line, f"{each.reference}: no entry governs it") for path, each in ungoverned]
    return [f"{path}:{line}: {visible(text)}" for path, line, text in sorted(lines, key=lambda each: each[:2])]


def _make_edits(case: Path, files: Mapping[str, bytes]) -> dict[str, tuple[Edit, ...]]:
    images = _read_images(case)
    edits: dict[str, tuple[Edit, ...]] = dict.fromkeys(files, ())
    for path, label, occurrence in _list_occurrences(case, _look(case, files)):
        reference = images[label, occurrence.reference.repository]
        tag = None if occurrence.reference.tag is None else reference.tag
        digest = reference.digest if occurrence.can_hold_digest else None
        edits[path] += make_edits(occurrence, tag=tag, digest=digest)
    return edits
