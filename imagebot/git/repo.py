"""GitRepo: a git repository on a server, read and written through a bare mirror of it.

Each method is a few runs of git. Reading, merging and committing happen in the mirror; only `list_branches`, `fetch`,
`push` and `delete_branch` go over the network, and `contains` if the mirror holds too little to tell.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self

from imagebot.errors import ImagebotError, InvalidInput
from imagebot.git.faults import (
    BranchMoved,
    GitUnavailable,
    MirrorDamaged,
    PushRefused,
    UnknownBranch,
    clean,
    is_passing,
    recognise_fault,
)
from imagebot.git.mirror import (
    MirrorUnavailable,
    condemn_mirror,
    find_cut_ends,
    lock_mirror,
    open_folder,
    prepare_mirror,
    remove_leftovers,
)
from imagebot.git.plumbing import (
    Change,
    Commit,
    NewCommit,
    Oid,
    PushStatus,
    Signature,
    TreeFile,
    parse_blobs,
    parse_changes,
    parse_commit,
    parse_heads,
    parse_push,
    parse_sizes,
    parse_tree,
)
from imagebot.git.program import OUTPUT_LIMIT_BYTES, Completed, GitProgram, make_environment
from imagebot.git.remote import GitRemote
from imagebot.git.signing import Signer, SigningKey

# The mirror's own refs: what the server's branches were when they were last fetched or pushed.
_MIRRORED = "refs/imagebot/"

_BLOB_LIMIT_BYTES = 4 * 2**20
BLOBS_LIMIT_BYTES = 128 * 2**20


class InvalidBranchName(InvalidInput):
    """A text that git does not take as the name of a branch."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} cannot name a branch: see `git check-ref-format` for what can")
        self.name = name


def list_branches(remote: GitRemote, *, timeout_s: float) -> Mapping[str, Oid]:
    """Ask a server for the head of every branch, where no mirror is needed.

    Raises GitUnavailable, also if it takes longer than `timeout_s`, and what else the server's answer means.
    """
    # Git reads a repository's configuration, if there is one.
    nowhere = Path(os.devnull)
    environment = make_environment(nowhere, config=remote.make_config(), variables=remote.make_variables())
    done = GitProgram(remote.url, environment, timeout_s).run(*_list_heads(remote))
    if done.status != 0:
        raise recognise_fault(remote.url, done.stderr, secrets=remote.secrets)
    return parse_heads(done.stdout, prefix=b"refs/heads/")


class GitRepo:
    """Holds the mirror's lock from its making until `close`, which the end of a `with` block calls.

    Any method raises GitUnavailable if one run of git takes longer than `timeout_s`, MirrorDamaged if the mirror cannot
    be read, MirrorUnavailable if we cannot write it, and OutputTooLarge. Those that go over the network raise what the
    server's answer means, see faults.py.
    """

    def __init__(
        self,
        path: Path,
        remote: GitRemote,
        *,
        author: Signature,
        timeout_s: float,
        signing: SigningKey | None = None,
    ) -> None:
        """Open the mirror at the path, or make it; commits are signed if there is a key.

        Raises MirrorInUse if another process does not let go of it soon, ForeignFolder and UnusableGit.
        """
        self._path = path.absolute()
        self._remote = remote
        self._author = author
        self._signer = None if signing is None else Signer(signing, timeout_s=timeout_s)
        self._deepened: set[tuple[Oid, int]] = set()
        self._lock = lock_mirror(self._path)
        # We end a git that takes too long; one that outlives us has to end by itself, for it holds the lock.
        patience = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", str(math.ceil(2 * timeout_s))))
        config = (*remote.make_config(), *patience)
        online = make_environment(self._path, config=config, variables=remote.make_variables())
        self._online = GitProgram(remote.url, online, timeout_s, self._lock.fileno())
        self._local = GitProgram(remote.url, make_environment(self._path), timeout_s, self._lock.fileno())
        try:
            self._local.require_version()
            prepare_mirror(self._path, self._local)
        except BaseException:
            self.close()
            raise

    @property
    def author(self) -> Signature:
        """Who commits here."""
        return self._author

    def close(self) -> None:
        """Let go of the mirror; no other method may be called afterwards."""
        if self._signer is not None:
            self._signer.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list_branches(self) -> Mapping[str, Oid]:
        """Ask the server for the head of every branch."""
        listing = self._run_online(*_list_heads(self._remote))
        return parse_heads(listing, prefix=b"refs/heads/")

    def fetch(
        self, branches: Iterable[str], *, depth: int, heads: Mapping[str, Oid] | None = None
    ) -> Mapping[str, Oid]:
        """Bring the heads of these branches into the mirror, and so many commits of their history; return the heads.

        `heads` is what `list_branches` returned; None asks it. A head that the mirror has, at whatever depth, is not
        fetched again, and branches that the server no longer has are forgotten. Raises UnknownBranch, and BranchMoved
        if the server dropped a head meanwhile.
        """
        heads = self.list_branches() if heads is None else heads
        wanted = {branch: self._find_head(branch, heads) for branch in branches}
        mirrored = self._list_mirrored()
        self._forget(mirrored.keys() - heads.keys())
        missing = {branch: oid for branch, oid in wanted.items() if mirrored.get(branch) != oid}
        if missing:
            self._fetch_heads(missing, depth=depth)
        return wanted

    def contains(self, commit: Oid, *, branch: str, head: Oid, depth: int) -> bool:
        """Tell whether a commit is the head of a branch or an ancestor of it, as far as its last `depth` commits tell.

        The branch is fetched to that depth only if the mirror does not hold the commit below the head, nor the end of
        what is asked: for any number of commits that is done once. Raises BranchMoved if the server dropped the head.
        """
        if self._is_ancestor(commit, head):
            return True
        if (head, depth) in self._deepened or not self._is_cut_short(head, depth=depth):
            return False
        self._fetch_heads({branch: head}, depth=depth)
        self._deepened.add((head, depth))
        return self._is_ancestor(commit, head)

    def list_files(self, commit: Oid) -> tuple[TreeFile, ...]:
        """List every path of a commit's tree, symlinks, submodules and odd paths too."""
        return parse_tree(self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit))

    def read_blobs(self, oids: Iterable[Oid], *, limit_bytes: int = _BLOB_LIMIT_BYTES) -> Mapping[Oid, bytes]:
        """Read blobs of files. Left out are those over the limit, and those that would take the sum over 128 MiB."""
        asked = _join(dict.fromkeys(oids))
        try:
            sizes = parse_sizes(self._run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked))
        except KeyError as error:
            raise self._condemn(f"it lacks the object {error.args[0]}") from None
        admitted, total_bytes = [], 0
        for oid, size_bytes in sizes.items():
            if size_bytes <= limit_bytes and total_bytes + size_bytes <= BLOBS_LIMIT_BYTES:
                admitted.append(oid)
                total_bytes += size_bytes
        # What is printed beside the blobs is shorter than their sum may be.
        return parse_blobs(
            self._run("cat-file", "--batch", "--buffer", stdin=_join(admitted), limit_bytes=2 * BLOBS_LIMIT_BYTES)
        )

    def commit(self, files: Mapping[str, bytes], *, parent: Oid, message: str, at: datetime) -> Oid:
        """Make a commit with new bytes for files of its parent, which keep their modes; return its oid.

        The same arguments and author give the same oid, unless it is signed with GPG, and nothing refers to the commit
        until it is pushed. Raises SigningFailed, and ValueError for a path that is no file in the parent and for an
        instant without a time zone.
        """
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone")
        modes = {file.path: file.mode for file in self.list_files(parent) if file.is_regular}
        for path in files:
            if path not in modes:
                raise ValueError(f"{path!r} is no file in {parent}")
        changed = {path: (modes[path], data) for path, data in files.items()}
        new = NewCommit(parent, changed, message, self._author, at)
        made = Oid(self._run("fast-import", "--quiet", "--done", "--force", stdin=new.to_stream()).decode().strip())
        return made if self._signer is None else self._sign(made, new, self._signer)

    def _sign(self, made: Oid, new: NewCommit, signer: Signer) -> Oid:
        """Make the same commit with a signature."""
        when = f"{int(new.at.timestamp())} +0000"
        people = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", new.signature.name), ("EMAIL", new.signature.email), ("DATE", when))
        }
        config = signer.make_config()
        environment = make_environment(self._path, config=config, variables={**signer.make_variables(), **people})
        program = replace(self._local, environment=environment)
        arguments = ("commit-tree", "-S", f"{made}^{{tree}}", "-p", new.parent, "-F", "-")
        signed = self._call(program, *arguments, stdin=new.message.encode())
        if signed.status != 0:
            raise signer.fail(signed.stderr)
        return Oid(signed.stdout.decode().strip())

    def merge_blobs(self, *, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        """Merge what became of one file on two sides, as `git merge-file` does; None if that conflicts or is binary.

        Attributes of the repository, a `merge` driver among them, do not count. Raises MirrorUnavailable.
        """
        with open_folder(self._path) as folder:
            paths = []
            for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
                (folder / name).write_bytes(data)
                paths.append(str(folder / name))
            merged = self._call(self._local, "merge-file", "-p", "-q", *paths)
        return merged.stdout if merged.status == 0 else None

    def describe_commit(self, oid: Oid) -> Commit:
        return parse_commit(oid, self._run("cat-file", "commit", oid))

    def list_changes(self, old: Oid, new: Oid) -> tuple[Change, ...]:
        """List the paths that differ between the trees of two commits, those that are not UTF-8 with U+FFFD in them."""
        return parse_changes(self._run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-commit-id", old, new))

    def fetch_commit(self, oid: Oid) -> None:
        """Fetch a commit to which no branch points, and its parent; it is there until the mirror is tidied."""
        self._deepened.clear()
        options = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        # Without its parent it could not be pushed: no server takes a history that begins in the middle.
        self._run_online("fetch", "--quiet", *options, "--depth=2", self._remote.url, oid)

    def push(self, branch: str, oid: Oid, *, expected: Oid | None, options: Sequence[str] = ()) -> None:
        """Make the branch point to the commit, if it points to the expected one now; None expects no such branch.

        A branch that points to the commit already is as good. The options, each one line, go to the server, which has
        to take some. Raises BranchMoved, PushRefused, PushOptionsRefused and InvalidBranchName.
        """
        self._push(branch, oid, expected=expected, options=options)
        self._forget(other for other in self._list_mirrored() if _are_rivals(branch, other))
        self._run("update-ref", f"{_MIRRORED}{branch}", oid)

    def delete_branch(self, branch: str, *, expected: Oid) -> None:
        """Delete the branch, if it points to the expected commit now; one that is gone already is as good.

        Raises BranchMoved, PushRefused and InvalidBranchName.
        """
        self._push(branch, None, expected=expected)
        self._forget([branch])

    def _find_head(self, branch: str, heads: Mapping[str, Oid]) -> Oid:
        if branch not in heads:
            raise UnknownBranch(self._remote.url, branch, is_empty=not heads)
        return heads[branch]

    def _fetch_heads(self, heads: Mapping[str, Oid], *, depth: int) -> None:
        # To fetch the head of one branch may cut the history of another off, where that contains it.
        self._deepened.clear()
        refspecs = "".join(f"+{oid}:{_MIRRORED}{branch}\n" for branch, oid in heads.items())
        options = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        self._run_online(
            "fetch", "--quiet", *options, f"--depth={depth}", "--stdin", self._remote.url, stdin=refspecs.encode()
        )

    def _is_ancestor(self, commit: Oid, head: Oid) -> bool:
        done = self._call(self._local, "merge-base", "--is-ancestor", commit, head)
        # It fails alike for a commit that the mirror lacks, which is an answer, and for a history that is damaged.
        if done.status not in (0, 1) and self._has_commit(commit) and self._has_commit(head):
            raise self._condemn(clean(done.stderr, secrets=()))
        return done.status == 0

    def _has_commit(self, oid: Oid) -> bool:
        return self._call(self._local, "cat-file", "-e", f"{oid}^{{commit}}").status == 0

    def _is_cut_short(self, head: Oid, *, depth: int) -> bool:
        """Tell whether the mirror holds less than `depth` commits of the head's history, though there are more."""
        if not self._has_commit(head):
            return True
        if int(self._run("rev-list", "--count", "--first-parent", f"--max-count={depth}", head)) >= depth:
            return False
        ends = self._run("rev-list", "--max-parents=0", head).decode().split()
        return not find_cut_ends(self._path).isdisjoint(ends)

    def _list_mirrored(self) -> Mapping[str, Oid]:
        listing = self._run("for-each-ref", "--format=%(objectname) %(refname)", _MIRRORED)
        return parse_heads(listing, prefix=_MIRRORED.encode())

    def _forget(self, branches: Iterable[str]) -> None:
        deletions = "".join(f"delete {_MIRRORED}{branch}\n" for branch in branches)
        if deletions:
            self._run("update-ref", "--stdin", stdin=deletions.encode())

    def _push(self, branch: str, oid: Oid | None, *, expected: Oid | None, options: Sequence[str] = ()) -> None:
        self._require_branch_name(branch)
        flags = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"]
        flags += [f"--push-option={option}" for option in options]
        lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
        refspec = f"{oid or ''}:refs/heads/{branch}"
        pushed = self._call(self._online, "push", *flags, lease, self._remote.url, refspec)
        status = parse_push(pushed.stdout)
        if pushed.status == 0:
            return
        if status is None or status.is_done:
            raise self._find_cause(pushed)
        heads = self.list_branches()
        if oid is None and branch not in heads:
            return
        if status.is_refused_by_lease or heads.get(branch) != expected:
            raise BranchMoved(self._remote.url, branch)
        raise self._find_refusal(branch, status, heads=heads, stderr=pushed.stderr)

    def _require_branch_name(self, name: str) -> None:
        """Raise InvalidBranchName for what is no name: nothing else gets into the arguments of a push."""
        # What is not printable may not even fit into an argument, as NUL and lone surrogates do not.
        if not name.isprintable() or self._call(self._local, "check-ref-format", f"refs/heads/{name}").status != 0:
            raise InvalidBranchName(name)

    def _find_refusal(
        self, branch: str, status: PushStatus, *, heads: Mapping[str, Oid], stderr: bytes
    ) -> ImagebotError:
        """Make the error for a push that the server did not take, though the branch is as expected."""
        url = self._remote.url
        rival = next((other for other in sorted(heads) if _are_rivals(branch, other)), None)
        if rival is not None:
            said = f"it cannot exist beside the branch {rival}"
            return PushRefused(url, branch, said, advice="choose another branch_prefix")
        said = f"{status.summary}: {clean(stderr, secrets=self._remote.secrets, only_server=True)}"
        if is_passing(status.summary):
            return GitUnavailable(url, said)
        return PushRefused(url, branch, said)

    def _run(self, *arguments: str, stdin: bytes = b"", limit_bytes: int = OUTPUT_LIMIT_BYTES) -> bytes:
        """Run git in the mirror alone, where nothing fails unless the mirror is damaged."""
        done = self._call(self._local, *arguments, stdin=stdin, limit_bytes=limit_bytes)
        if done.status != 0:
            raise self._condemn(clean(done.stderr, secrets=()))
        return done.stdout

    def _run_online(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = self._call(self._online, *arguments, stdin=stdin)
        if done.status != 0:
            raise self._find_cause(done)
        return done.stdout

    def _call(
        self, program: GitProgram, *arguments: str, stdin: bytes = b"", limit_bytes: int = OUTPUT_LIMIT_BYTES
    ) -> Completed:
        try:
            return program.run(*arguments, stdin=stdin, limit_bytes=limit_bytes)
        except BaseException:
            # Of the git that was killed. If that fails, so does the next opening, and tells why.
            with suppress(MirrorUnavailable):
                remove_leftovers(self._path)
            raise

    def _find_cause(self, failed: Completed) -> ImagebotError:
        error = recognise_fault(self._remote.url, failed.stderr, secrets=self._remote.secrets)
        if isinstance(error, GitUnavailable) and not self._is_sound():
            return self._condemn(error.said)
        return error

    def _is_sound(self) -> bool:
        """Tell whether the mirror has every object that its branches need."""
        return self._call(self._local, "rev-list", "--objects", "--all", "--quiet").status == 0

    def _condemn(self, said: str) -> MirrorDamaged:
        condemn_mirror(self._path)
        return MirrorDamaged(self._path, said)


def _list_heads(remote: GitRemote) -> tuple[str, ...]:
    return "ls-remote", "--heads", remote.url


def _are_rivals(branch: str, other: str) -> bool:
    """Tell whether git cannot have both: a branch `bot` and a branch `bot/x`."""
    return branch.startswith(f"{other}/") or other.startswith(f"{branch}/")


def _join(oids: Iterable[Oid]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode()
