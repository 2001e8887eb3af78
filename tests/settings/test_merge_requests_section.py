"""How changes are proposed: what each key of `merge_requests` becomes, and the faults of its values with positions."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from imagebot.proposal.request_rules import AutoMerge, GroupBy, RequestRules, Templates
from imagebot.proposal.schedule import parse_cron
from imagebot.proposal.template import Template
from imagebot.settings.policy_file import InvalidPolicyFile, parse_policy_file


def parse(text: str) -> RequestRules:
    """Parse a policy file whose third line and all that follow are the lines of `merge_requests`."""
    source = f"version: 1\nimages: []\nmerge_requests:{text}"
    return parse_policy_file(source.encode(), file=".imagebot.yaml").merge_requests


def list_faults(text: str) -> list[str]:
    with pytest.raises(InvalidPolicyFile) as raised:
        parse(text)
    return [str(fault).removeprefix(".imagebot.yaml:") for fault in raised.value.faults]


def test_every_key_has_a_default():
    rules = parse(" {}")

    assert rules == RequestRules()
    assert (rules.branch_prefix, rules.target_branch, rules.group_by) == ("imagebot/", None, GroupBy.IMAGE)
    assert (rules.max_open, rules.max_per_hour) == (10, None)
    assert (rules.schedule, rules.timezone) == ((), UTC)
    assert (rules.auto_merge, rules.deletes_branch, rules.is_signed_off) == (AutoMerge.NEVER, True, False)


def test_every_key_is_read():
    rules = parse("""
        branch_prefix: bot/
        target_branch: staging
        group_by: directory
        labels: [image-update, Größe XL]
        reviewers: [alice]
        assignees: [bob, c.d_e-f]
        teams: [platform]
        milestone: 2026 Q1
        draft: true
        max_open: 3
        max_per_hour: 2
        schedule: ["* 8-17 * * mon-fri", "0 12 1 * *"]
        timezone: Europe/Berlin
        auto_merge: when_checks_pass
        delete_branch: false
        sign_off: true
        title: "chore: {{ title }}"
        description: |
          Hello
        commit_message: x
    """)

    assert rules == RequestRules(
        branch_prefix="bot/",
        target_branch="staging",
        group_by=GroupBy.DIRECTORY,
        labels=("image-update", "Größe XL"),
        reviewers=("alice",),
        assignees=("bob", "c.d_e-f"),
        teams=("platform",),
        milestone="2026 Q1",
        is_draft=True,
        max_open=3,
        max_per_hour=2,
        schedule=(parse_cron("* 8-17 * * mon-fri"), parse_cron("0 12 1 * *")),
        timezone=ZoneInfo("Europe/Berlin"),
        auto_merge=AutoMerge.WHEN_GREEN,
        deletes_branch=False,
        is_signed_off=True,
        templates=Templates(Template("chore: {{ title }}", 20), Template("Hello\n", 22), Template("x", 23)),
    )


def test_null_is_no_limit_and_the_built_in_text():
    rules = parse(" {max_open: null, max_per_hour: null, title: null, description: null, commit_message: null}")

    assert (rules.max_open, rules.max_per_hour, rules.templates) == (None, None, Templates())


def test_false_is_no_merge_without_a_person():
    assert parse(" {auto_merge: false}").auto_merge is AutoMerge.NEVER


@pytest.mark.parametrize("timezone", [pytest.param("UTC", id="UTC"), pytest.param("Etc/UTC", id="by its full name")])
def test_utc_may_be_named(timezone):
    zone = parse(f" {{timezone: {timezone}}}").timezone

    assert str(zone) == timezone


_LIMIT = "accepted is a whole number from 1 to 1000, or null for no limit"
_TIMEZONE = "accepted is a time zone of the IANA's database, as in Europe/Berlin or UTC"
_WINDOW = (
    "accepted is a line of a crontab: minute, hour, day of the month, month, day of the week, as in * 8-17 * * mon-fri"
)
_TEMPLATE = "accepted is a template of Jinja2, or null for the built-in text"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            " {labels: ['a, b']}",
            "3:27: merge_requests.labels[0]: found 'a, b'; accepted is a label: one line of at most 255 characters,"
            " without a comma",
            id="two labels in one",
        ),
        pytest.param(
            " {reviewers: ['@alice']}",
            "3:30: merge_requests.reviewers[0]: found '@alice'; accepted is a user's name on the forge, without @",
            id="a user with an at sign",
        ),
        pytest.param(
            " {teams: [acme/platform]}",
            "3:26: merge_requests.teams[0]: found 'acme/platform'; accepted is a team's name on the forge, without @"
            " and the organization",
            id="a team with its organization",
        ),
        pytest.param(
            ' {milestone: ""}',
            "3:29: merge_requests.milestone: found ''; accepted is a milestone's title: one line of at most 255"
            " characters",
            id="an empty milestone",
        ),
        pytest.param(
            " {milestone: 7}",
            "3:29: merge_requests.milestone: found the number 7; accepted is a milestone's title: one line of at most"
            ' 255 characters; put it in quotes: "7"',
            id="the number of a milestone",
        ),
        pytest.param(
            " {draft: yes}",
            "3:25: merge_requests.draft: found 'yes'; accepted is true or false",
            id="YAML 1.1's yes",
        ),
        pytest.param(
            " {labels: [" + "a, " * 51 + "]}",
            "3:26: merge_requests.labels: found 51 items; accepted is at most 50 of them",
            id="many labels",
        ),
        pytest.param(
            " {target_branch: 'a..b'}",
            "3:33: merge_requests.target_branch: found 'a..b'; accepted is the name of a branch (git-check-ref-format)",
            id="a branch that git refuses",
        ),
        pytest.param(
            " {group_by: folder}",
            "3:28: merge_requests.group_by: found 'folder'; accepted is image or directory or file or all",
            id="a way to group that is none",
        ),
        pytest.param(" {max_open: 0}", f"3:28: merge_requests.max_open: found the number 0; {_LIMIT}", id="none open"),
        pytest.param(
            " {max_open: 10.5}", f"3:28: merge_requests.max_open: found the number 10.5; {_LIMIT}", id="half of one"
        ),
        pytest.param(
            " {max_open: true}", f"3:28: merge_requests.max_open: found true; {_LIMIT}", id="a truth value for a number"
        ),
        pytest.param(
            " {max_per_hour: unlimited}",
            f"3:32: merge_requests.max_per_hour: found 'unlimited'; {_LIMIT}",
            id="a word for no limit",
        ),
        pytest.param(
            "\n  schedule:\n    - '* 8-17 * * mon-fri'\n    - '* * * * * *'",
            "6:7: merge_requests.schedule[1]: found '* * * * * *' (it has 6 fields, and 5 are minute, hour, day, month,"
            f" day of the week); {_WINDOW}",
            id="six fields",
        ),
        pytest.param(
            ' {schedule: ["* * 30 feb *"]}',
            f"3:29: merge_requests.schedule[0]: found '* * 30 feb *' (none of its months has such a day); {_WINDOW}",
            id="a day that never comes",
        ),
        pytest.param(
            ' {schedule: "* * * * *"}',
            "3:28: merge_requests.schedule: found a single value; accepted is a list",
            id="one line without a list",
        ),
        pytest.param(
            " {timezone: Mars/Olympus}",
            f"3:28: merge_requests.timezone: found 'Mars/Olympus'; {_TIMEZONE}",
            id="a time zone that is none",
        ),
        pytest.param(
            " {timezone: Europe}", f"3:28: merge_requests.timezone: found 'Europe'; {_TIMEZONE}", id="a continent"
        ),
        pytest.param(
            " {timezone: ../../../etc/passwd}",
            f"3:28: merge_requests.timezone: found '../../../etc/passwd'; {_TIMEZONE}",
            id="a path out of the database",
        ),
        pytest.param(
            " {auto_merge: true}",
            "3:30: merge_requests.auto_merge: found true; accepted is false or when_checks_pass",
            id="true is not how to merge",
        ),
        pytest.param(
            " {auto_merge: [false]}",
            "3:30: merge_requests.auto_merge: found a list; accepted is false or when_checks_pass",
            id="a list for a word",
        ),
        pytest.param(
            ' {title: "{{ title"}',
            "3:25: merge_requests.title: found '{{ title' (unexpected end of template, expected 'end of print"
            f" statement'); {_TEMPLATE}",
            id="a template that is open",
        ),
        pytest.param(
            "\n  title: x\n  description: |\n    Hello,\n    {% for each in imges %}\n    {% endfor %}\n",
            "7:1: merge_requests.description: found '{% for each in imges %}' (there is no imges; there is branch,"
            " group, image, images, jump, new, old, text, text_cautions, text_images, text_options, text_places,"
            f" text_reasons, title); {_TEMPLATE}",
            id="a name that is not there, in a block",
        ),
        pytest.param(
            ' {title: "{{ images[0].tag }}"}',
            "3:25: merge_requests.title: found '{{ images[0].tag }}' (there is no tag; there is changes, jump, name,"
            f" new, old, places, release, since, source); {_TEMPLATE}",
            id="a part that is not there",
        ),
        pytest.param(
            ' {commit_message: "{{ text_images }}"}',
            "3:34: merge_requests.commit_message: found '{{ text_images }}' (there is no text_images; there is branch,"
            f" group, image, images, jump, new, old, text, title); {_TEMPLATE}",
            id="a part of the description in a commit message",
        ),
        pytest.param(
            " {description: 7}",
            f'3:31: merge_requests.description: found the number 7; {_TEMPLATE}; put it in quotes: "7"',
            id="a number for a template",
        ),
        pytest.param(
            " {review: [alice]}",
            "3:18: merge_requests.review: found an unknown key; accepted is one of the keys assignees, auto_merge,"
            " branch_prefix, commit_message, delete_branch, description, draft, group_by, labels, max_open,"
            " max_per_hour, milestone, reviewers, schedule, sign_off, target_branch, teams, timezone, title;"
            " the nearest is reviewers",
            id="an unknown key",
        ),
    ],
)
def test_a_fault_has_its_position_and_says_what_is_accepted(text, fault):
    assert list_faults(text) == [fault]
