"""Merge requests: how imagebot opens, moves and closes what people review.

    interface.py     the values, and the operations every forge offers
    errors.py        what can go wrong, and who can help
    once.py          what is done once however often it is tried, on any forge
    gitlab.py        GitLab: beside it what it answers, names, issues; gitlab_api.py is one request to it
    branch_only.py   a git server without merge requests: the branch is the proposal

The module of a forge is imported where that forge is used: the client libraries are slow to load.
"""

from imagebot.forge.interface import (
    CommitsByApi,
    Forge,
    ForgeProject,
    MergeRequest,
    MergeRequestState,
    NewMergeRequest,
    Opened,
    ProjectState,
)

__all__ = [
    "CommitsByApi",
    "Forge",
    "ForgeProject",
    "MergeRequest",
    "MergeRequestState",
    "NewMergeRequest",
    "Opened",
    "ProjectState",
]
