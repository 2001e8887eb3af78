"""What a policy file's `merge_requests` says of how changes are proposed: values, which the round acts on."""

import enum
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from imagebot.proposal.schedule import Cron
from imagebot.proposal.template import Template


class GroupBy(enum.Enum):
    """Which changes one merge request holds; those of entries with a `group` go by that, whatever this is."""

    IMAGE = "image"
    DIRECTORY = "directory"
    FILE = "file"
    ALL = "all"


class AutoMerge(enum.Enum):
    """When the forge is asked to merge by itself."""

    NEVER = "false"
    WHEN_GREEN = "when_checks_pass"


@dataclass(frozen=True, slots=True)
class Templates:
    """What teams put in the place of the built-in texts; None is the built-in one."""

    title: Template | None = None
    description: Template | None = None
    commit_message: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """How changes are proposed.

    `target_branch` is None for the branch that is kept current. Without a limit, `max_open` and `max_per_hour` are
    None. Without a schedule, merge requests may be opened and moved at any time.
    """

    branch_prefix: str = "imagebot/"
    target_branch: str | None = None
    group_by: GroupBy = GroupBy.IMAGE
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """Names of users, without `@`; `assignees` as well."""
    assignees: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    """Names of teams that are asked to review, without `@` and without the organization."""
    milestone: str | None = None
    """Its title."""
    is_draft: bool = False
    max_open: int | None = 10
    max_per_hour: int | None = None
    schedule: tuple[Cron, ...] = ()
    timezone: tzinfo = UTC
    auto_merge: AutoMerge = AutoMerge.NEVER
    deletes_branch: bool = True
    """Whether the forge is asked to delete the branch after the merge."""
    is_signed_off: bool = False
    templates: Templates = field(default_factory=Templates)
