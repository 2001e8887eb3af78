"""What replicas say to each other is read as it was meant."""

from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.agenda.values import Cause, HostTiming, Phase, Poll, Polled, Timing, Trouble, Update, Updated, View
from imagebot.image.reference import Repository
from imagebot.jobs.messages import (
    format_due,
    format_ended,
    format_view,
    parse_due,
    parse_ended,
    parse_view,
)
from tests.jobs.conftest import API, NOW, WEB

repositories = st.builds(Repository, st.sampled_from(["docker.io", "ghcr.io"]), st.sampled_from(["acme/api", "a/b/c"]))
tags = st.frozensets(st.text(max_size=5), max_size=3)
troubles = st.none() | st.builds(Trouble, st.sampled_from(Cause), st.none() | st.floats(0, 1e6))
rounds = st.builds(Poll, repositories, tags) | st.builds(Update, st.text(max_size=9), st.booleans(), st.booleans())
endings = st.builds(Polled, st.booleans(), troubles) | st.builds(
    Updated,
    st.none() | st.dictionaries(repositories, tags, max_size=3),
    st.booleans(),
    st.frozensets(repositories, max_size=3),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    troubles,
)


@given(rounds)
def test_a_round_is_read_as_it_was_written(due: Poll | Update):
    assert parse_due(format_due(due)) == due


@given(endings)
def test_an_ending_is_read_as_it_was_written(ended: Polled | Updated):
    assert parse_ended(format_ended(ended)) == ended


def test_a_view_is_read_as_it_stands_by_then():
    view = View(
        {"fleet": Timing(Phase.RUNNING, None, 2, NOW + timedelta(hours=1))},
        {API: Timing(Phase.WAITING, 30.0), WEB: Timing(Phase.WAITING, 1.0)},
        {"ghcr.io": HostTiming(ready=1, running=2, failures=3, paused_s=20.0)},
    )

    read = parse_view(format_view(view), age_s=5.0)

    assert read.targets == view.targets
    assert [timing.due_in_s for timing in read.repositories.values()] == [25.0, 0.0]
    assert read.hosts["ghcr.io"].paused_s == pytest.approx(15.0)
