"""Merge requests: how imagebot opens, moves and closes what people review.

    interface.py     the values, and the operations every forge offers
    errors.py        what can go wrong, and who can help
    answers.py       what holds for the answers of every forge: bounds, errors, waits
    once.py          what is done once however often it is tried, on any forge
    gitlab.py        GitLab: beside it what it answers, names, issues
    github.py        GitHub: beside it checks, Apps, commits of its own
    gitea.py         Gitea and Forgejo: beside it labels
    pulls.py         what GitHub and Gitea have in common
    *_api.py         one request to each of them
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
