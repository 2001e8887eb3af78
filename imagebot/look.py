"""What there is before anything is decided: a target's head, its policy file, its files, and the branches beside it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, cast

from imagebot.errors import ImagebotError, InvalidInput
from imagebot.git import BLOBS_LIMIT_BYTES, GitRepo, Oid, TreeFile
from imagebot.log import log
from imagebot.proposal.flux_survey import survey_with_flux
from imagebot.proposal.kept_head import KeptHead, format_head, parse_head, parse_policy
from imagebot.proposal.survey import Survey, Unread, govern, locate_file, make_bindings
from imagebot.settings.operator import TargetSettings
from imagebot.settings.policy_file import MissingPolicyFile, PolicyFile, parse_policy_file
from imagebot.store.build import fingerprint_build
from imagebot.store.located import Key
from imagebot.store.store import Store
from imagebot.yamledit.kept import NOTHING, Fingerprints, Found, format_found, hash_facts, parse_found
from imagebot.yamledit.locate import Bindings
from imagebot.yamledit.scan import MAX_BYTES

_T = TypeVar("_T")

# A branch of ours is one commit on the head it was made for: with its parent, all that has to be known of it is there.
_DEPTH = 2


class UnusablePrefix(InvalidInput):
    """The target's own branch, or that of its merge requests, begins with the prefix of imagebot's branches."""

    def __init__(self, prefix: str, branch: str) -> None:
        super().__init__(
            f"branch_prefix is {prefix!r}, with which the branch {branch} itself begins; "
            "choose one that no other branch begins with, as imagebot/"
        )


class UnknownTargetBranch(InvalidInput):
    """The policy file wants merge requests to go to a branch that is not there."""

    def __init__(self, branch: str, policy_file: str) -> None:
        super().__init__(
            f"target_branch is {branch!r} in {policy_file}, and there is no such branch; "
            "name one that merge requests can go to, or leave the key out"
        )
        self.branch = branch


@dataclass(frozen=True, slots=True)
class Look:
    """A target as it stood at one instant.

    `base` is the branch that merge requests go to, `head` its head: what is surveyed and edited are its files. Only the
    policy file is that of the target's branch, which is the same unless it says otherwise. `branches` are all that the
    server has; `oids` are the blobs of the files about which the survey says anything.
    """

    target: TargetSettings
    base: str
    head: Oid
    branches: Mapping[str, Oid]
    prefix: str
    policy: PolicyFile
    oids: Mapping[str, Oid]
    survey: Survey


def look(target: TargetSettings, *, git: GitRepo, store: Store | None, now: datetime) -> Look:
    """Fetch the target's branch and imagebot's own, and survey the files that the policy file lets be read.

    What was found before is remembered in the store: of a head that was seen no file is read, of another one only those
    that are new. Raises InvalidPolicyFile, MissingPolicyFile, UnusablePrefix, UnknownTargetBranch, and what git raises.
    """
    branches = git.list_branches()
    memory = _Memory(store, target, now)
    base, head = target.branch, branches.get(target.branch)
    surveyed = _survey_again(target, head, memory=memory) if head else None
    if head is None or surveyed is None:
        base, head, surveyed = _survey_anew(target, branches, git=git, memory=memory)
    prefix = target.branch_prefix or surveyed.policy.merge_requests.branch_prefix
    for branch in (target.branch, base):
        if branch.startswith(prefix):
            raise UnusablePrefix(prefix, branch)
    own = (name for name in branches if name.startswith(prefix))
    git.fetch([base, *own], depth=_DEPTH, heads=branches)
    return Look(target, base, head, branches, prefix, surveyed.policy, surveyed.oids, surveyed.survey)


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """What the files of a head say."""

    policy: PolicyFile
    oids: Mapping[str, Oid]
    survey: Survey


def _survey_again(target: TargetSettings, head: Oid, *, memory: "_Memory") -> _Surveyed | None:
    """Survey a head that was surveyed before; None if that is not remembered."""
    text = memory.find_head(head)
    source = None if text is None else parse_policy(text)
    if text is None or source is None:
        return None
    policy = parse_policy_file(source, file=target.policy_file)
    kept = parse_head(text, entries=policy.entries)
    return None if kept is None else _Surveyed(policy, cast("Mapping[str, Oid]", kept.oids), kept.survey)


def _survey_anew(
    target: TargetSettings, branches: Mapping[str, Oid], *, git: GitRepo, memory: "_Memory"
) -> tuple[str, Oid, _Surveyed]:
    """Read the policy file, and survey the branch that it wants merge requests to go to; return that and its head."""
    head = git.fetch([target.branch], depth=_DEPTH, heads=branches)[target.branch]
    tree = git.list_files(head)
    source = _read_policy(target, git=git, tree=tree)
    base = parse_policy_file(source, file=target.policy_file).merge_requests.target_branch or target.branch
    if base != target.branch:
        if base not in branches:
            raise UnknownTargetBranch(base, target.policy_file)
        head, memory = git.fetch([base], depth=_DEPTH, heads=branches)[base], memory.with_policy(source)
        if (known := _survey_again(target, head, memory=memory)) is not None:
            return base, head, known
        tree = git.list_files(head)
    surveyed = _survey_tree(tree, source=source, policy_file=target.policy_file, git=git, memory=memory)
    if not surveyed.policy.flux:
        memory.keep_head(head, surveyed, source=source)
    return base, head, surveyed


def _survey_tree(
    tree: Iterable[TreeFile], *, source: bytes, policy_file: str, git: GitRepo, memory: "_Memory"
) -> _Surveyed:
    """Survey all files of a head, by a policy file.

    Flux's own policies are entries that come from any of the files: with them all files are read each time, and what
    they name is still remembered.
    """
    policy = parse_policy_file(source, file=policy_file)
    included = _list_included(tree, policy, policy_file=policy_file)
    oids = _list_readable(included)
    # What is shown of an odd path may be the path of another file.
    unread = tuple(_explain_unread(file) for file in included if file.has_odd_path or file.path not in oids)

    def read(wanted: Iterable[Oid]) -> Mapping[Oid, bytes]:
        return git.read_blobs(wanted, limit_bytes=MAX_BYTES)

    if policy.flux:
        blobs = read(oids.values())

        def locate_all(files: Iterable[str], bindings: Bindings) -> Mapping[str, Found]:
            return memory.locate({path: oids[path] for path in files}, bindings, read=lambda _: blobs)

        files = {path: blobs[oid] for path, oid in oids.items()}
        found = survey_with_flux(files, policy.entries, sites=policy.sites, locate_all=locate_all)
        return _Surveyed(policy, oids, replace(found, unreadable=(*unread, *found.unreadable)))
    located = memory.locate(oids, make_bindings(policy.entries, sites=policy.sites), read=read)
    telling = {path: each for path, each in located.items() if each != NOTHING}
    found = govern(telling, policy.entries)
    told = replace(found, unreadable=(*unread, *found.unreadable))
    return _Surveyed(policy, {path: oids[path] for path in telling}, told)


def _list_included(tree: Iterable[TreeFile], policy: PolicyFile, *, policy_file: str) -> Sequence[TreeFile]:
    return [file for file in tree if policy.includes(file.path) and file.path != policy_file]


def _list_readable(files: Iterable[TreeFile]) -> Mapping[str, Oid]:
    """List the regular files that are not too large, by themselves and together; the first of them come first.

    Which these are does not depend on what is remembered of some.
    """
    readable: dict[str, Oid] = {}
    admitted: set[Oid] = set()
    total_bytes = 0
    for file in files:
        size_bytes = file.size_bytes or 0
        if not file.is_regular or size_bytes > MAX_BYTES:
            continue
        if file.oid not in admitted:
            if total_bytes + size_bytes > BLOBS_LIMIT_BYTES:
                continue
            admitted.add(file.oid)
            total_bytes += size_bytes
        readable[file.path] = file.oid
    return readable


class _Memory:
    """What was located before, by the store. What fails there costs time, and nothing else."""

    def __init__(self, store: Store | None, target: TargetSettings, now: datetime, policy: bytes = b"") -> None:
        self._store = store
        self._target = target
        self._now = now
        self._rules = hash_facts(fingerprint_build(), target.policy_file, policy.decode("latin-1"))

    def with_policy(self, policy: bytes) -> "_Memory":
        """Remember heads by a policy file that is none of their own files."""
        return _Memory(self._store, self._target, self._now, policy)

    def find_head(self, head: Oid) -> str | None:
        """Find what all files of the head say; None also after a day, so that it is known what is in use."""
        return self._ask(lambda store: store.located.find_head(self._target.name, head, self._rules, at=self._now))

    def keep_head(self, head: Oid, surveyed: _Surveyed, *, source: bytes) -> None:
        def keep(store: Store) -> None:
            kept = KeptHead(surveyed.oids, surveyed.survey)
            text = format_head(kept, policy=source, entries=surveyed.policy.entries)
            store.located.keep_head(self._target.name, head, self._rules, text, at=self._now)

        self._ask(keep)

    def locate(
        self, oids: Mapping[str, Oid], bindings: Bindings, *, read: Callable[[Iterable[Oid]], Mapping[Oid, bytes]]
    ) -> Mapping[str, Found]:
        """Locate what the files at the paths name, and read those of which that is not remembered."""
        fingerprints = Fingerprints(bindings, build=fingerprint_build())
        keys = {path: [(oid, rules) for rules in fingerprints.list_for(path)] for path, oid in oids.items()}
        known, due = self._find(keys.values())
        found = {path: known[key] for path, pair in keys.items() for key in pair if key in known}
        unknown = {path: oid for path, oid in oids.items() if path not in found}
        blobs = read(unknown.values()) if unknown else {}
        new: dict[Key, Found] = {}
        for path, oid in unknown.items():
            key = (oid, fingerprints.choose(path, blobs[oid]))
            if key not in new:
                new[key] = locate_file(path, blobs[oid], bindings)
            found[path] = new[key]
        log.debug("files_located", files=len(oids), anew=len(new))
        if new or due:
            texts = {key: format_found([each]) for key, each in new.items()}
            self._ask(lambda store: store.located.keep(texts, used=due, at=self._now))
        return found

    def _find(self, keys: Iterable[Sequence[Key]]) -> tuple[Mapping[Key, Found], Collection[Key]]:
        """Find what is remembered under the keys, and those of which it should be remembered that they were used."""
        wanted = {key for pair in keys for key in pair}
        kept = self._ask(lambda store: store.located.find(wanted, at=self._now))
        if kept is None:
            return {}, ()
        # Most files name nothing, all in the same words.
        parsed = {text: parse_found(text) for text in set(kept.texts.values())}
        found = ((key, parsed[text]) for key, text in kept.texts.items())
        return {key: each[0] for key, each in found if each is not None and len(each) == 1}, kept.due

    def _ask(self, step: Callable[[Store], _T]) -> _T | None:
        if self._store is None:
            return None
        try:
            return step(self._store)
        except ImagebotError as error:
            log.warning("located_not_remembered", error=str(error))
            self._store = None
            return None


def look_again(seen: Look, branches: Collection[str], *, git: GitRepo) -> Look:
    """Read anew where the branches of the server are, and fetch these, after one was found to have moved."""
    seen = replace(seen, branches=git.list_branches())
    fetch_branches(seen, [branch for branch in branches if branch in seen.branches], git=git)
    return seen


def fetch_branches(seen: Look, branches: Collection[str], *, git: GitRepo) -> None:
    """Fetch branches of the server as imagebot's own are."""
    if branches:
        git.fetch(branches, depth=_DEPTH, heads=seen.branches)


def read_files(seen: Look, paths: Iterable[str], *, git: GitRepo) -> Mapping[str, bytes]:
    """Read files of the head about which the survey says anything."""
    oids = {path: seen.oids[path] for path in paths}
    blobs = git.read_blobs(oids.values(), limit_bytes=MAX_BYTES)
    return {path: blobs[oid] for path, oid in oids.items()}


def find_oids(seen: Look, paths: Collection[str], *, git: GitRepo) -> Mapping[str, Oid]:
    """Find the blobs of files of the head that the policy file lets be read, whatever the survey says of them."""
    if all(path in seen.oids for path in paths):
        return seen.oids
    tree = (file for file in git.list_files(seen.head) if file.path in paths)
    return _list_readable(_list_included(tree, seen.policy, policy_file=seen.target.policy_file))


def _read_policy(target: TargetSettings, *, git: GitRepo, tree: Iterable[TreeFile]) -> bytes:
    file = next((file for file in tree if file.path == target.policy_file), None)
    if file is None:
        raise MissingPolicyFile(target.policy_file, target.branch)
    data = git.read_blobs([file.oid]).get(file.oid) if file.is_regular else None
    if data is None:
        raise InvalidInput(f"{target.policy_file} on {target.branch} is {_explain_unread(file).reason}")
    return data


def _explain_unread(file: TreeFile) -> Unread:
    if file.has_odd_path:
        reason = "a file whose name is not UTF-8, which is not read"
    elif file.is_regular:
        reason = "too large to be read"
    else:
        reason = "a symbolic link or submodule, which is not followed"
    return Unread(file.path, None, None, reason)
