"""A git server that offers no merge requests: the pushed branch is the proposal, its commit message the text.

It answers for keeping the callers free of that difference, not for the branch itself: pushing, moving and deleting it
is git's, and a branch that somebody deletes is simply proposed again. Nothing is sent anywhere, but some servers make a
merge request of a pushed branch if they are told to in its push options.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from imagebot.forge.interface import MergeRequest, MergeRequestState, NewMergeRequest, Opened, ProjectState

_VALUE = re.compile(r"\{(target|title)\}")


class BranchForge:
    """Implements `Forge` with branches alone; what it returns has no number and no URL."""

    has_merge_requests = False
    # Git sets no limits; these keep `git log` readable.
    body_limit = 65_536
    title_limit = 255
    commits = None

    def __init__(self, push_options: Sequence[str] = ()) -> None:
        """`push_options` are sent with each push; `{target}` and `{title}` in them are put in."""
        self._push_options = push_options

    def check(self, *, now: datetime) -> ProjectState:  # noqa: ARG002 - as in Forge
        """Say nothing: what the credentials permit shows when something is pushed."""
        return ProjectState(default_branch=None)

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:  # noqa: ARG002 - as in Forge
        return ()

    def list_ended(
        self,
        *,
        branch_prefix: str,  # noqa: ARG002 - as in Forge
        target: str,  # noqa: ARG002 - as in Forge
        since: datetime | None,  # noqa: ARG002 - as in Forge
    ) -> tuple[MergeRequest, ...]:
        return ()

    def find_ended(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:  # noqa: ARG002 - as in Forge
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

    def list_push_options(self, *, target: str, title: str) -> tuple[str, ...]:
        values = {"target": target, "title": " ".join(title.split())}
        return tuple(_VALUE.sub(lambda match: values[match[1]], option) for option in self._push_options)

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        return replace(merge_request, title=title, body=body)

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        pass

    def comment(self, merge_request: MergeRequest, *, note: str) -> None:
        pass

    def set_auto_merge(self, merge_request: MergeRequest) -> str | None:  # noqa: ARG002 - as in Forge
        return "a git server merges nothing by itself"

    def ensure_issue(self, *, key: str, title: str, body: str) -> str | None:  # noqa: ARG002 - as in Forge
        return None

    def close_issue(self, *, key: str, note: str) -> None:
        pass

    def file_url(self, oid: str, path: str, *, line: int | None = None) -> str | None:  # noqa: ARG002 - as in Forge
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
