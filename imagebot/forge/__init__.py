"""Merge requests: how imagebot opens, moves and closes what people review.

    interface.py     the values, and the operations every forge offers
    errors.py        what can go wrong, and who can help
    gitlab.py        GitLab's merge requests
    gitlab_api.py    one request to GitLab: where it goes, what may come back
    branch_only.py   a git server without merge requests: the branch is the proposal

The module of a forge is imported where that forge is used: the client libraries are slow to load.
"""

from imagebot.forge.interface import Forge, ForgeProject, MergeRequest, MergeRequestState, NewMergeRequest, Opened

__all__ = ["Forge", "ForgeProject", "MergeRequest", "MergeRequestState", "NewMergeRequest", "Opened"]
