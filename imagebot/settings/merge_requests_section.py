"""The `merge_requests` of a policy file; what they mean is said in `proposal.request_rules`."""

import re
import zoneinfo
from datetime import UTC, tzinfo
from typing import Annotated, Any

from pydantic import Field

from imagebot.proposal.request_rules import AutoMerge, GroupBy, RequestRules, Templates
from imagebot.proposal.schedule import Cron, parse_cron
from imagebot.proposal.team_text import make_samples
from imagebot.proposal.template import InvalidTemplate, Template, parse_template
from imagebot.settings.fault import quote
from imagebot.settings.parsed import parsed
from imagebot.settings.ref_name import Branch, BranchPrefix
from imagebot.settings.section import MadeFrom, Refused, Section, YesOrNo, matching, one_of
from imagebot.settings.yaml_source import Node

# GitLab takes labels as a list with commas.
_LABEL = re.compile(r"(?! )[^,\x00-\x1f\x7f]{1,255}(?<! )")
_USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_MILESTONE = re.compile(r"(?! )[^\x00-\x1f\x7f]{1,255}(?<! )")
_TIMEZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_TIMEZONE_ACCEPTED = "a time zone of the IANA's database, as in Europe/Berlin or UTC"
_AT_MOST_50 = Field(max_length=50)


def _make_timezone(text: str, _: object) -> tzinfo:
    """Find the time zone: in the machine's database, or else in that of the package tzdata."""
    if text == "UTC":
        return UTC
    if not _TIMEZONE.fullmatch(text):
        raise Refused
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused from error


def _make_auto_merge(value: object, _: object) -> AutoMerge:
    if value is False:
        return AutoMerge.NEVER
    if value == AutoMerge.WHEN_GREEN.value:
        return AutoMerge.WHEN_GREEN
    raise Refused


def _checked(*, is_description: bool) -> MadeFrom:
    """Mark a text that has to be a template, and stays as it is."""

    def check(text: str, _: object) -> str:
        try:
            parse_template(text, make_samples(is_description=is_description))
        except InvalidTemplate as error:
            lines = text.splitlines()
            at_fault = lines[error.line - 1] if error.line and error.line <= len(lines) else text
            raise Refused(found=f"{quote(at_fault)} ({error.reason})", line=error.line) from error
        return text

    return MadeFrom("a template of Jinja2, or null for the built-in text", check)


Label = Annotated[str, matching(_LABEL, "a label: one line of at most 255 characters, without a comma")]
Username = Annotated[str, matching(_USERNAME, "a user's name on the forge, without @")]
Usernames = Annotated[tuple[Username, ...], _AT_MOST_50]
Team = Annotated[str, matching(_USERNAME, "a team's name on the forge, without @ and the organization")]
Milestone = Annotated[str, matching(_MILESTONE, "a milestone's title: one line of at most 255 characters")]
Limit = Annotated[
    int, MadeFrom("a whole number from 1 to 1000, or null for no limit", source=Annotated[int, Field(ge=1, le=1000)])
]
Window = Annotated[
    Cron,
    MadeFrom(
        "a line of a crontab: minute, hour, day of the month, month, day of the week, as in * 8-17 * * mon-fri",
        parsed(parse_cron),
    ),
]
Timezone = Annotated[tzinfo, MadeFrom(_TIMEZONE_ACCEPTED, _make_timezone)]
Merging = Annotated[
    AutoMerge,
    MadeFrom("false or when_checks_pass", _make_auto_merge, source=Any, choices=(False, AutoMerge.WHEN_GREEN.value)),
]
TitleTemplate = Annotated[str, _checked(is_description=False)]
DescriptionTemplate = Annotated[str, _checked(is_description=True)]


class MergeRequestsSection(Section):
    """How changes are proposed."""

    branch_prefix: BranchPrefix = "imagebot/"
    target_branch: Branch | None = None
    group_by: Annotated[GroupBy, one_of(GroupBy)] = GroupBy.IMAGE
    labels: Annotated[tuple[Label, ...], _AT_MOST_50] = ()
    reviewers: Usernames = ()
    assignees: Usernames = ()
    teams: Annotated[tuple[Team, ...], _AT_MOST_50] = ()
    milestone: Milestone | None = None
    draft: YesOrNo = False
    max_open: Limit | None = 10
    max_per_hour: Limit | None = None
    schedule: Annotated[tuple[Window, ...], _AT_MOST_50] = ()
    timezone: Timezone = UTC
    auto_merge: Merging = AutoMerge.NEVER
    delete_branch: YesOrNo = True
    sign_off: YesOrNo = False
    title: TitleTemplate | None = None
    description: DescriptionTemplate | None = None
    commit_message: TitleTemplate | None = None

    def make(self, node: Node | None) -> RequestRules:
        """Make the rules; the node is where the section stands, if the file has it."""
        return RequestRules(
            branch_prefix=self.branch_prefix,
            target_branch=self.target_branch,
            group_by=self.group_by,
            labels=self.labels,
            reviewers=self.reviewers,
            assignees=self.assignees,
            teams=self.teams,
            milestone=self.milestone,
            is_draft=self.draft,
            max_open=self.max_open,
            max_per_hour=self.max_per_hour,
            schedule=self.schedule,
            timezone=self.timezone,
            auto_merge=self.auto_merge,
            deletes_branch=self.delete_branch,
            is_signed_off=self.sign_off,
            templates=self._make_templates(node),
        )

    def _make_templates(self, node: Node | None) -> Templates:
        def make(key: str, text: str | None) -> Template | None:
            return None if text is None or node is None else Template(text, node.children[key].text_line)

        return Templates(
            title=make("title", self.title),
            description=make("description", self.description),
            commit_message=make("commit_message", self.commit_message),
        )
