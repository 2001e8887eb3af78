"""A survey of a repository that Flux updates, or did: its markers are read, and its own policies are entries."""

from collections.abc import Mapping, Sequence
from itertools import chain

from imagebot.policy.entry import Entry
from imagebot.proposal.flux import find_flux_policies
from imagebot.proposal.survey import LocateFiles, Survey, survey
from imagebot.yamledit.sites import Site


def survey_with_flux(
    files: Mapping[str, bytes],
    entries: Sequence[Entry],
    *,
    sites: Sequence[Site] = (),
    locate_all: LocateFiles | None = None,
) -> Survey:
    """Survey the files with the entries and Flux's own policies; what of those can be no entry is left alone.

    Files of folders with policies of their own are surveyed by themselves.
    """
    flux = find_flux_policies(files)
    groups: dict[tuple[str, ...], dict[str, bytes]] = {}
    for path, data in files.items():
        groups.setdefault(_list_folders(path, flux.in_folders), {})[path] = data
    parts = []
    for folders, group in groups.items():
        own = chain.from_iterable(flux.in_folders[folder] for folder in folders)
        together = (*entries, *flux.entries, *own)
        parts.append(survey(group, together, sites=sites, reads_flux=True, locate_all=locate_all))
    return Survey(
        tuple(sorted(chain.from_iterable(part.governed for part in parts), key=lambda each: each.path)),
        tuple(sorted(chain.from_iterable(part.ungoverned for part in parts), key=lambda each: each[0])),
        (*flux.faults, *sorted(chain.from_iterable(part.left_alone for part in parts), key=lambda each: each.path)),
        tuple(sorted(chain.from_iterable(part.unreadable for part in parts), key=lambda each: each.path)),
        frozenset(chain.from_iterable(part.repositories for part in parts)),
    )


def _list_folders(path: str, folders: Mapping[str, object]) -> tuple[str, ...]:
    """List those of the folders that the file is in."""
    parts = path.split("/")
    return tuple(folder for end in range(1, len(parts)) if (folder := "/".join(parts[:end])) in folders)
