"""A git server that offers no merge requests: the pushed branch is the proposal, its commit message the text.

It answers for keeping the callers free of that difference, not for the branch itself: pushing, moving and deleting it
is git's, and a branch that somebody deletes is simply proposed again. Nothing is sent anywhere.
"""

from dataclasses import replace
from types import TracebackType
from typing import Self

from imagebot.forge.interface import MergeRequest, MergeRequestState, NewMergeRequest, Opened


class BranchForge:
    """Implements `Forge` with branches alone; what it returns has no number and no URL."""

    has_merge_requests = False
    # Git sets no limit; this one keeps `git log` readable.
    body_limit = 65_536

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:  # noqa: ARG002 - as in Forge
        return ()

    def find_closed(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:  # noqa: ARG002 - as in Forge
        return ()

    def open(self, new: NewMergeRequest) -> Opened:
        """Describe the branch as it was pushed: a branch has no labels, reviewers or assignees, and is no draft."""
        return Opened(
            MergeRequest(
                number=None,
                url=None,
                state=MergeRequestState.OPEN,
                branch=new.branch,
                target=new.target,
                title=new.title,
                body=new.body,
                labels=frozenset(),
                is_draft=False,
            )
        )

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        return replace(merge_request, title=title, body=body)

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
