"""From listings to choices, with what has to be found out on the way: digests, platforms and build times.

A choice says what it has to know (`policy.known`), and it is found out here: what a tag points to, at the registry, and
what a digest stands for, in the store or else at the registry, and then kept for ever. What cannot be had concerns one
repository: its places stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.image.description import find_representative, make_description
from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.reference import DOCKER_HUB
from imagebot.image.snapshot import Pushes, Sighting, Snapshot
from imagebot.log import log
from imagebot.policy.known import Answers, Fact, Question
from imagebot.policy.policies import Newest
from imagebot.proposal.choose import Chooser, Found, Unlisted
from imagebot.registry.errors import UnknownManifest, UnreadableImage

if TYPE_CHECKING:  # the store and the client are slow to load, and `plan` needs no store
    from collections.abc import Callable, Iterable, Iterator, Mapping, Set
    from datetime import datetime

    from imagebot.image.description import Description
    from imagebot.image.platform import Platform
    from imagebot.image.reference import Repository
    from imagebot.proposal.choose import Choice, Findings, Listings, Questions
    from imagebot.proposal.survey import Survey
    from imagebot.registry.client import Registries
    from imagebot.registry.docker_hub import DockerHub
    from imagebot.registry.lanes import Lanes
    from imagebot.store.contents import Content
    from imagebot.store.store import Store

_ORDER = list(Fact)
# Each costs a request.
_MOST_ASKED_SINGLY = 10
_T = TypeVar("_T")


class Inquiry:
    """How questions are answered in one run: each once, whichever target asks.

    Without a store nothing is remembered, and nothing logged, as whoever has none shows the choices to a person.
    `pool` must not be one whose threads wait for this.
    """

    def __init__(self, registries: Registries, store: Store | None, *, pool: Lanes, now: datetime) -> None:
        self._registries, self._store, self._pool, self._now = registries, store, pool, now
        self._askers: dict[Repository, _Asker] = {}
        self._lock = Lock()

    def choose(self, survey: Survey, listings: Listings) -> tuple[Choice, ...]:
        """Decide all occurrences, asking registries as far as the decisions need it."""
        chooser = Chooser(survey, self._add_pushes(survey, listings), now=self._now)
        findings: Findings = {}
        while True:
            chosen = chooser.choose(findings)
            if isinstance(chosen, tuple):
                return chosen
            findings = {**findings, **self._ask(chosen)}

    def _add_pushes(self, survey: Survey, listings: Listings) -> Listings:
        """Add when tags were pushed, where a decision needs it and another than the registry tells."""
        wanted: dict[Repository, set[str]] = {}
        for governed in survey.governed:
            rules, tag = governed.entry.rules, governed.occurrence.reference.tag
            if rules.asks_for_times and governed.repository in listings:
                tags = wanted.setdefault(governed.repository, set())
                # Others are compared with the one that is written, however old it is.
                tags.update([tag] if tag is not None and isinstance(rules.policy, Newest) else [])

        listed = {each: listing for each in wanted if isinstance(listing := listings[each], Snapshot)}
        hubs = {each for each in listed if self._registries.find_hub(each) is not None}
        told = sorted(each for each in listed if each in hubs or listed[each].digests)
        # What Docker Hub's API told before says nothing of what came since it was turned off.
        others = (each for each in listed if each.registry == DOCKER_HUB and each not in told)
        silent = {each: replace(listed[each], pushed_at={}) for each in others}
        added = self._pool.map(lambda each: self._find_asker(each).add_pushes(listed[each], wanted[each]), told)
        return {**listings, **silent, **dict(zip(told, added, strict=True))} if told or silent else listings

    def describe(self, repository: Repository, identifiers: Iterable[str]) -> Mapping[str, Description]:
        """Find what images, each named by a tag or digest, say of themselves; those that cannot be had are missing.

        What a tag points to is what was found when choosing, if it was asked then.
        """
        return self._find_asker(repository).describe(identifiers)

    def _ask(self, questions: Questions) -> Findings:
        """Answer the questions about each repository, in parallel; the first failure ends those about it."""
        wanted = sorted(questions)
        found = self._pool.map(lambda repository: self._find_asker(repository).answer(questions[repository]), wanted)
        return dict(zip(wanted, found, strict=True))

    def _find_asker(self, repository: Repository) -> _Asker:
        with self._lock:
            if repository not in self._askers:
                self._askers[repository] = _Asker(repository, self._registries, self._store, self._now)
            return self._askers[repository]


def _find_push(repository: Repository, tag: str, hub: DockerHub) -> Pushes:
    return hub.find_push(repository, tag)


class _Asker:
    """Answers questions about one repository; what is answered stays, whatever fails after it."""

    def __init__(self, repository: Repository, registries: Registries, store: Store | None, now: datetime) -> None:
        self._repository, self._registries, self._store, self._now = repository, registries, store, now
        self._sightings: dict[str, Sighting | None] = {}
        self._platforms: dict[str, Mapping[Platform, str] | None] = {}
        self._built: dict[str, datetime | None] = {}
        self._pushes: Pushes | None = None
        self._asked: set[str] = set()
        self._hub_tells = True
        self._kept: Mapping[str, Sighting] = {}
        self._lock = Lock()

    def add_pushes(self, listing: Snapshot, wanted: Set[str]) -> Snapshot:
        """Add when tags were pushed, as far as that is told: the last of them, and those that are wanted."""
        with self._lock:
            if self._pushes is None:
                self._kept = listing.sightings
                pushes = self._ask_hub(lambda hub: hub.list_pushes(self._repository, known=listing.pushed_at))
                # What was told with the listing holds as long as that is the one of this run.
                is_new = listing.listed_at == self._now
                self._pushes = pushes.join(Pushes(digests=listing.digests if is_new else {}))
            told = self._pushes.pushed_at.keys() | listing.pushed_at.keys()
            for tag in sorted((wanted & listing.first_seen.keys()) - told - self._asked)[:_MOST_ASKED_SINGLY]:
                self._asked.add(tag)
                self._pushes = self._pushes.join(self._ask_hub(partial(_find_push, self._repository, tag)))
            told_of = listing.add_pushes(self._pushes)
        moved = {tag: at for tag, at in told_of.pushed_at.items() if listing.pushed_at.get(tag) != at}
        if self._store is not None and moved:
            try:
                self._store.keep_pushes(self._repository, moved)
            except ImagebotError as error:
                log.error("pushes_not_kept", repository=str(self._repository), error=str(error))
        return told_of

    def _ask_hub(self, ask: Callable[[DockerHub], Pushes]) -> Pushes:
        """Ask who tells; whoever cannot is not asked again in this run, and what is known without that counts."""
        hub = self._registries.find_hub(self._repository) if self._hub_tells else None
        if hub is None:
            return Pushes()
        try:
            return ask(hub)
        except ImagebotError as error:
            self._hub_tells = False
            if self._store is not None:
                log.debug("pushes_not_told", repository=str(self._repository), error=str(error))
            return Pushes()

    def answer(self, questions: Iterable[Question]) -> Found:
        """Return all that was ever answered; with a failure, if one of these questions could not be."""
        with self._lock:
            failure = None
            try:
                for question in sorted(questions, key=lambda each: (_ORDER.index(each.fact), each.identifier)):
                    self._answer(question)
            except ImagebotError as error:
                is_for_operator = isinstance(error, NeedsOperator)
                if self._store is not None:
                    level = log.error if is_for_operator else log.warning
                    level("inquiry_failed", repository=str(self._repository), error=str(error))
                reason = f"what has to be known of its images could not be had: {error}"
                failure = Unlisted(self._repository, reason, needs_operator=is_for_operator)
            except Exception as error:  # noqa: BLE001 - a bug concerns one repository, and the others go on
                log.exception("inquiry_ended_by_a_bug", repository=str(self._repository))
                failure = Unlisted.by_bug(self._repository, error)
            return Found(Answers(dict(self._sightings), dict(self._platforms), dict(self._built)), failure)

    def describe(self, identifiers: Iterable[str]) -> Mapping[str, Description]:
        """Describe each as far as can be had; one that fails from the start is the last that is asked for."""
        found: dict[str, Description] = {}
        with self._lock:
            for identifier in sorted(set(identifiers)):
                try:
                    for description in self._describe(identifier):
                        found[identifier] = description
                except ImagebotError as error:
                    if self._store is not None:
                        log.warning("description_failed", repository=str(self._repository), error=str(error))
                    if identifier not in found:
                        break
        return found

    def _describe(self, identifier: str) -> Iterator[Description]:
        """Yield what is known of an image each time that more is."""
        digest: str | None = identifier
        if ":" not in identifier:
            self._answer(Question(identifier, Fact.DIGEST))
            sighting = self._sightings[identifier]
            digest = None if sighting is None else sighting.digest
        content = digest and self._find_content(digest, self._registries.fetch_manifest)
        if not digest or not isinstance(content, Index | Manifest):
            return
        index = content if isinstance(content, Index) else None
        manifest = content if isinstance(content, Manifest) else None
        yield make_description(digest, index=index, manifest=manifest, config=None)
        if index is not None and (representative := find_representative(index)):
            found = self._find_content(representative, self._registries.fetch_manifest)
            manifest = found if isinstance(found, Manifest) else None
        yield make_description(digest, index=index, manifest=manifest, config=self._find_config(manifest))

    def _answer(self, question: Question) -> None:
        identifier = question.identifier
        match question.fact:
            case Fact.DIGEST if identifier not in self._sightings:
                self._sightings[identifier] = self._find_sighting(identifier)
            case Fact.PLATFORMS if identifier not in self._platforms:
                self._platforms[identifier] = self._find_platforms(identifier)
            case Fact.BUILT if identifier not in self._built:
                self._built[identifier] = self._find_built(identifier)

    def _find_sighting(self, tag: str) -> Sighting | None:
        """Ask what the tag points to; None if the registry lists it, and does not give its manifest.

        Where it is told that this is what it was before, the registry is not asked.
        """
        kept, told = self._kept.get(tag), self._pushes.digests.get(tag) if self._pushes else None
        if kept is not None and kept.digest == told:
            return kept
        digest = self._fetch(self._registries.fetch_digest, tag)
        if digest is None:
            return None
        if self._store is None:
            return Sighting(digest, self._now, is_repushed=False)
        try:
            sighting = self._store.keep_sighting(self._repository, tag, digest, at=self._now)
        except ImagebotError as error:
            # The store is a memory: without it, all that is known of the tag's age is that it may be this young.
            log.error("sighting_not_kept", repository=str(self._repository), tag=tag, error=str(error))
            return Sighting(digest, self._now, is_repushed=True)
        if sighting.is_repushed and sighting.first_seen == self._now:
            log.warning("tag_pushed_again", repository=str(self._repository), tag=tag, digest=digest)
        return sighting

    def _find_platforms(self, digest: str) -> Mapping[Platform, str] | None:
        content = self._find_content(digest, self._registries.fetch_manifest)
        if isinstance(content, Index):
            return content.manifests
        # A chart runs nowhere, and its config need not be asked for to know that.
        is_chart = isinstance(content, Manifest) and content.is_chart
        config = None if is_chart else self._find_config(content)
        if config is not None and config.platform is not None:
            return {config.platform: digest}
        return None if content is None else {}

    def _find_built(self, digest: str) -> datetime | None:
        config = self._find_config(self._find_content(digest, self._registries.fetch_manifest))
        return config.built_at if config is not None else None

    def _find_config(self, content: Content | None) -> Config | None:
        if not isinstance(content, Manifest) or content.config is None:
            return None
        config = self._find_content(content.config, self._registries.fetch_config)
        return config if isinstance(config, Config) else None

    def _find_content(self, digest: str, fetch: Callable[[Repository, str], Content | None]) -> Content | None:
        """Find what the digest stands for; None if the registry does not have it, or it cannot be read."""
        kept = self._store.find_content(digest) if self._store is not None else None
        if kept is not None:
            return kept
        content = self._fetch(fetch, digest)
        if self._store is not None and content is not None:
            self._store.keep_content(digest, content, at=self._now)
        return content

    def _fetch(self, fetch: Callable[[Repository, str], _T], identifier: str) -> _T | None:
        """Fetch what belongs to one image; None if that is not there or cannot be read: others may be."""
        try:
            return fetch(self._repository, identifier)
        except UnknownManifest:
            return None
        except UnreadableImage as error:
            if self._store is not None:
                log.warning("image_unreadable", repository=str(self._repository), error=str(error))
            return None
