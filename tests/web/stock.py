"""Targets and images as a large installation has them: every state, long names, and what comes from outside."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.proposal.image_state import ImageState, State
from imagebot.store.store import Store

HOSTILE = "<script>alert(1)</script>&\"'"
RULES = Rules(SemverRange(parse_range("^1.4")), min_age=timedelta(days=3))
_TEAMS = ("shop", "payments", "search", "identity", "logistics", "observability-platform")
_REASONS = {
    State.WAITING: "1.9.0 waits until 2026-09-03 12:00 UTC: pushed 2026-08-31 12:00 UTC",
    State.DECLINED: "a person closed exactly this unmerged",
    State.FOREIGN: "someone else committed to the branch",
    State.HELD: "no digest can be written there",
    State.STUCK: "none of 214 tags is a candidate under semver: ^9: 180 outside the range, 34 not a version",
    State.UNDECIDED: "ghcr.io is unavailable: it answered 503; what is open stays as it is",
    State.FAILED: "the forge refused it: HTTP 403, the token may not open merge requests",
}


def stock(store: Store, *, targets: int, images: int, now: datetime, seed: int = 7) -> list[dict[str, object]]:
    """Keep outcomes for so many targets with so many images each; return the settings that name them."""
    dice = random.Random(seed)
    settings: list[dict[str, object]] = []
    for number in range(targets):
        name = f"{_TEAMS[number % len(_TEAMS)]}/{'fleet' if number % 2 else 'clusters'}-{number:02}@main"
        settings.append({"name": name, "url": f"https://git.example.com/t{number}.git"})
        if number == targets - 1 and targets > 3:
            continue  # this one was not updated yet
        rows = [_make_row(dice, each, now) for each in range(images)]
        store.keep_outcome(name, at=now - timedelta(seconds=40 * number), summary=_summarize(name, rows, number, now))
    return settings


def _make_row(dice: random.Random, number: int, now: datetime) -> ImageState:
    state = dice.choices(list(State), weights=[60, 14, 6, 3, 1, 2, 3, 2, 1])[0]
    host = dice.choice(
        ["ghcr.io", "docker.io", "registry.gitlab.com", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"]
    )
    minor = dice.randrange(4, 9)
    row = ImageState(
        f"{host}/acme/{dice.choice(_TEAMS)}-{number:03}",
        f"1.{minor}.0",
        None,
        dice.choice(["services", "base images", "*"]),
        dice.randrange(3, 40),
        state,
        _REASONS.get(state, ""),
        allowed=f"1.{minor}.0",
        newest=f"2.{dice.randrange(0, 3)}.0",
        places=tuple(
            f"clusters/prod/{dice.choice(_TEAMS)}/deployment-{place}.yaml:17" for place in range(dice.randrange(1, 4))
        ),
        place_count=dice.randrange(1, 4),
    )
    if state in (State.CURRENT, State.HELD, State.STUCK, State.UNDECIDED):
        return replace(row, allowed=None if state in (State.STUCK, State.UNDECIDED) else row.allowed)
    if state is State.WAITING:
        return replace(row, until=now + timedelta(days=2))
    url = f"https://gitlab.example.com/infra/fleet/-/merge_requests/{number}"
    since = now - timedelta(days=dice.randrange(1, 90))
    is_declined = state is State.DECLINED
    return replace(
        row, allowed="1.9.0", branch=f"imagebot/{number}", url=url, behind_since=None if is_declined else since
    )


def _summarize(name: str, rows: list[ImageState], number: int, now: datetime) -> Mapping[str, object]:
    error, is_of_policy = "", False
    if number == 1:
        error = '.imagebot.yaml:7:15: images[2].policy.semver: found "^1.x.y" (x after a number); accepted is a range'
        is_of_policy = True
    if number == 2:
        error = f"the git server git.example.com refuses the login: HTTP 401 {HOSTILE}"
    results = [
        {
            "branch": row.branch,
            "title": f"Update {row.image} from {row.tag} to {row.allowed}",
            "action": "unchanged" if row.state is State.PROPOSED else "failed",
            "url": row.url,
            "detail": row.reason,
            "until": None,
        }
        for row in rows
        if row.branch is not None
    ]
    if number == 0:
        limit = "10 are open, and max_open is 10: it is opened when one of them is done"
        results.append(
            {"branch": "imagebot/group-web", "title": "Update 3 images of web", "action": "waiting", "detail": limit}
        )
        rows = [
            *rows,
            ImageState("ghcr.io/acme/web", "1.4.0", None, "web", 9, State.WAITING, limit, branch="imagebot/group-web"),
        ]
    return {
        "target": name,
        "head": "5badb8c0ffee5badb8c0ffee5badb8c0ffee5bad",
        "error": error,
        "is_of_policy": is_of_policy,
        "warnings": ["the token set for infra/fleet ends on 2026-09-10"] if number == 3 else [],
        "results": results,
        "unreadable": ["charts/broken.yaml:3:1: a tab where blanks belong"] if number % 5 == 0 else [],
        "left_alone": [f"apps/{HOSTILE}.yaml:9: ${{TAG}}: a variable"] if number % 5 == 0 else [],
        "updated_at": (now - timedelta(seconds=40 * number)).isoformat(),
        "images": [row.summarize() for row in rows],
    }


def list_tags(store: Store, repository: Repository, *, now: datetime, count: int = 300) -> None:
    """Keep a list of tags as a repository of some age has it."""
    tags = [
        *(f"1.{minor}.{patch}" for minor in range(10) for patch in range(count // 20)),
        "2.0.0",
        "latest",
        "main-5badb8c",
    ]
    old = TagList(tuple(sorted(tags)))
    store.keep_snapshot(repository, old, at=now - timedelta(days=90))
    store.keep_snapshot(repository, TagList(tuple(sorted([*tags, "1.9.99"]))), at=now - timedelta(hours=5))
