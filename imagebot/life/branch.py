"""The branch of a group: one commit on the head of the base, pushed only where what is there will not do.

A branch that would merge to just the wanted files stays, on whatever head it was built: the approvals it has are not
thrown away.
"""

from collections.abc import Mapping

from imagebot.errors import Transient
from imagebot.git import Oid
from imagebot.life.round import Round
from imagebot.life.standing import Standing, fingerprint_files, list_changes
from imagebot.log import log
from imagebot.proposal.commit import Trailers, make_commit_message
from imagebot.proposal.plan import Group


class OddCommit(Transient):
    """The forge made another commit than it was asked for; nothing was pushed."""

    def __init__(self, branch: str) -> None:
        super().__init__(f"the forge made a commit for {branch} that holds something else than it was asked for")
        self.branch = branch


def find_rival(branch: str, branches: Mapping[str, Oid]) -> str | None:
    """Find a branch beside which git cannot have this one: `bot`, or `bot/x/y`, beside `bot/x`."""
    return next(
        (each for each in sorted(branches) if branch.startswith(f"{each}/") or each.startswith(f"{branch}/")), None
    )


def push_branch(round_: Round, group: Group, files: Mapping[str, bytes], *, standing: Standing | None) -> None:
    """Let the branch hold one commit that makes these files so on the head, in the place of what stands on it."""
    look, target = round_.look, round_.look.target
    trailers = Trailers(
        frozenset(group.pairs),
        group=group.branch.removeprefix(look.prefix),
        plan=group.fingerprint,
        files=fingerprint_files(list_changes(files, seen=look)),
        target=target.branch,
        base=None if look.base == target.branch else look.base,
    )
    signed_off_by = str(round_.git.author) if look.policy.merge_requests.is_signed_off else None
    title = round_.wording.make_title(group)
    message = make_commit_message(round_.wording.make_commit_text(group), trailers, signed_off_by=signed_off_by)
    commit = _commit(round_, group.branch, files, message=message)
    was = standing.oid if standing else None
    options = round_.forge.list_push_options(target=look.base, title=title)
    round_.git.push(group.branch, commit, expected=was, options=options)
    log.info("branch_pushed", branch=group.branch, oid=commit, was=was)


def _commit(round_: Round, branch: str, files: Mapping[str, bytes], *, message: str) -> Oid:
    """Make the commit here, or let the forge make the same, so that it shows it as verified."""
    look, git = round_.look, round_.git
    made = git.commit(files, parent=look.head, message=message, at=round_.now)
    if round_.forge.commits is None:
        return made
    modes = {file.path: file.mode.value for file in git.list_files(look.head) if file.path in files}
    contents = {path: (modes[path], data) for path, data in files.items()}
    oid = Oid(round_.forge.commits.create_commit(parent=look.head, files=contents, message=message))
    git.fetch_commit(oid)
    wanted, found = git.describe_commit(made), git.describe_commit(oid)
    if (found.tree, found.parents, found.message.rstrip()) != (wanted.tree, wanted.parents, wanted.message.rstrip()):
        raise OddCommit(branch)
    return oid
