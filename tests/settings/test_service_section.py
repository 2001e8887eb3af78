"""The keys that only `imagebot run` reads."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.settings.operator import InvalidSettings, Settings, load_settings
from imagebot.settings.service_section import Address

TARGET = {"url": "https://git.example.com/infra/fleet.git"}


def load(folder: Path, **keys: Any) -> Settings:
    file = folder / "imagebot.yaml"
    file.write_text(json.dumps({"docker_config": None, **keys}))
    return load_settings(file, {"TOKEN": "s3cret"})


def test_without_a_word_everything_is_looked_at_every_five_minutes_and_the_page_is_for_this_machine(tmp_path: Path):
    settings = load(tmp_path, targets=[TARGET])

    assert (settings.interval, settings.recheck) == (timedelta(minutes=5), timedelta(hours=1))
    assert (settings.shutdown_timeout_s, settings.parallel_updates) == (25.0, 4)
    assert settings.web is not None
    assert (settings.web.listen, settings.web.is_protected) == (Address("127.0.0.1", 8080), False)
    assert (settings.targets[0].interval, settings.targets[0].schedule) == (None, ())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("0.0.0.0:80", Address("0.0.0.0", 80), id="all of IPv4"),
        pytest.param("[::1]:8080", Address("::1", 8080), id="IPv6"),
        pytest.param("localhost:0", Address("localhost", 0), id="a name, and a port that is free"),
    ],
)
def test_where_the_web_server_listens(tmp_path: Path, text: str, address: Address):
    web = load(tmp_path, web={"listen": text}).web

    assert web is not None
    assert web.listen == address
    assert str(address) == text


def test_there_need_not_be_a_web_server(tmp_path: Path):
    assert load(tmp_path, web=None).web is None


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param({"interval": "5s"}, "from 10s to 30d", id="an interval that no registry would bear"),
        pytest.param({"interval": "31d"}, "at most 30d", id="an interval that is too long"),
        pytest.param({"shutdown_timeout": "2h"}, "at most 1h", id="an end that takes too long"),
        pytest.param({"parallel_updates": 0}, "from 1 to 64", id="no updates"),
        pytest.param({"web": {"listen": "8080"}}, "HOST:PORT", id="only a port"),
        pytest.param({"web": {"listen": "localhost:70000"}}, "HOST:PORT", id="a port that there is not"),
        pytest.param({"web": {"username": "ops"}}, "username and password together", id="half a login"),
        pytest.param({"web": {"token": "plain"}}, "a secret never stands in the settings", id="a secret in the file"),
        pytest.param(
            {"targets": [{**TARGET, "interval": "1m", "schedule": ["0 6 * * *"]}]}, "interval or schedule", id="both"
        ),
        pytest.param({"targets": [{**TARGET, "schedule": ["@daily"]}]}, "a line of a crontab", id="no crontab"),
        pytest.param({"targets": [{**TARGET, "timezone": "Berlin"}]}, "a time zone", id="no time zone"),
        pytest.param({"webhooks": {"A b": {}}}, "part of the hook's address", id="a name that is no part of a URL"),
        pytest.param(
            {"webhooks": {"hub": {"kind": "hub", "secret": {"env": "TOKEN"}}}}, "docker-hub or ecr", id="no kind"
        ),
        pytest.param({"webhooks": {"hub": {"kind": "quay"}}}, "a secret never stands", id="no secret"),
        pytest.param({"registries": {"ghcr.io": {"interval": "1"}}}, "a duration with its unit", id="no unit"),
    ],
)
def test_what_is_not_accepted_is_said_with_what_is(tmp_path: Path, keys: dict[str, Any], fault: str):
    with pytest.raises(InvalidSettings, match=fault):
        load(tmp_path, **keys)
