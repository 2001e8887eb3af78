"""What a target's last update went by, as it is kept in the store."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot.git import Oid
from imagebot.settings.operator import TargetSettings, load_settings
from imagebot.store.store import Store
from imagebot.worker.seen import Seen, find_seen, forget_seen, keep_seen, parse_seen

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SEEN = Seen("main", "imagebot/", {"main": Oid(40 * "a"), "imagebot/api": Oid(40 * "b")})


def load_target(folder: Path, **others: str) -> TargetSettings:
    target = {"name": "fleet", "url": "https://git.example.org/acme/fleet.git", **others}
    path = folder / "imagebot.yaml"
    path.write_text(json.dumps({"data_dir": str(folder), "targets": [target]}))
    return load_settings(path, {}).targets[0]


def test_what_is_kept_is_found_until_it_is_forgotten_or_the_target_is_another(tmp_path: Path):
    target = load_target(tmp_path)
    with Store.open(tmp_path / "store.sqlite") as store:
        assert find_seen(store, target) is None

        keep_seen(store, target, SEEN, at=NOW)
        assert find_seen(store, target) == SEEN
        assert find_seen(store, load_target(tmp_path, branch="prod")) is None

        forget_seen(store, target, at=NOW)
        assert find_seen(store, target) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[", id="no JSON"),
        pytest.param('["main", "imagebot/"]', id="less than is written"),
        pytest.param('["main", "imagebot/", {"main": 1}]', id="an oid that is no text"),
    ],
)
def test_what_another_version_kept_in_another_form_is_nothing(text: str):
    assert parse_seen(text) is None
