"""One login kept for all threads: looked up once, and again when it ends, when it is refused, and after an error."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebot.registry.credentials import Found, IdentityToken, KeptLogin, Login, Source, SourceKind
from imagebot.registry.errors import CloudUnavailable, CredentialHelperTimedOut
from imagebot.secret import Secret

SOURCE = Source(SourceKind.HELPER, "a test")
OLD, NEW = (Found(Login("bob", Secret(text)), SOURCE) for text in ("old", "new"))
OUTAGE = CloudUnavailable("Amazon", "r.example", "no connection")


class LookUp:
    """Gives the findings one after the other; an error among them is raised."""

    def __init__(self, *findings: Found | Exception | None) -> None:
        self._findings = iter(findings)
        self.count = 0

    def __call__(self) -> Found | None:
        self.count += 1
        finding = next(self._findings)
        if isinstance(finding, Exception):
            raise finding
        return finding


def lasting(found: Found, lasts_s: float) -> Found:
    return Found(found.credentials, found.source, lasts_s)


@pytest.mark.parametrize("finding", [pytest.param(OLD, id="a login"), pytest.param(None, id="that there is none")])
def test_what_was_found_is_kept(clock, finding):
    look_up = LookUp(finding)
    login = KeptLogin(look_up, monotonic=clock)

    assert [login.find(), login.find()] == [finding, finding]
    assert look_up.count == 1


def test_that_there_is_none_is_kept_for_minutes(clock):
    login = KeptLogin(LookUp(None, NEW), monotonic=clock)
    login.find()

    clock.now += 301

    assert login.find() == NEW


def test_a_refused_login_is_looked_up_again(clock):
    login = KeptLogin(LookUp(OLD, NEW), monotonic=clock)
    login.find()

    assert login.renew(OLD.credentials) is True
    assert login.find() == NEW


def test_a_refused_login_that_stays_the_same_is_no_news(clock):
    look_up = LookUp(OLD, OLD, NEW)
    login = KeptLogin(look_up, monotonic=clock)
    login.find()

    assert [login.renew(OLD.credentials) for _ in range(100)] == [False] * 100
    assert look_up.count == 2

    clock.now += 61
    assert login.renew(OLD.credentials) is True


def test_a_login_that_another_thread_renewed_is_not_looked_up_again(clock):
    look_up = LookUp(OLD, NEW)
    login = KeptLogin(look_up, monotonic=clock)
    login.find()
    login.renew(OLD.credentials)

    assert login.renew(OLD.credentials) is True
    assert look_up.count == 2


def test_a_failure_is_kept_for_a_minute(clock):
    look_up = LookUp(CredentialHelperTimedOut("docker-credential-x", "ghcr.io", 5.0), NEW)
    login = KeptLogin(look_up, monotonic=clock)

    for _ in range(3):
        with pytest.raises(CredentialHelperTimedOut):
            login.find()
    assert look_up.count == 1

    clock.now += 61
    assert login.find() == NEW


@pytest.mark.parametrize(
    ("lasts_s", "after_s", "found"),
    [
        pytest.param(12 * 3600, 12 * 3600 - 301, OLD, id="half a day, until five minutes before its end"),
        pytest.param(12 * 3600, 12 * 3600 - 299, NEW, id="and no longer"),
        pytest.param(300, 269, OLD, id="minutes, for most of them"),
        pytest.param(300, 271, NEW, id="and not to the end"),
        pytest.param(None, 1e9, OLD, id="for as long as nobody knows"),
    ],
)
def test_how_long_a_login_is_used(clock, lasts_s, after_s, found):
    login = KeptLogin(LookUp(lasting(OLD, lasts_s), NEW), monotonic=clock)
    login.find()

    clock.now += after_s

    kept = login.find()
    assert kept is not None
    assert kept.credentials == found.credentials


def test_a_login_that_cannot_be_renewed_is_used_to_its_end(clock):
    look_up = LookUp(lasting(OLD, 3600), OUTAGE, OUTAGE, OUTAGE, NEW)
    login = KeptLogin(look_up, monotonic=clock)
    login.find()

    clock.now += 3500
    assert login.find() == lasting(OLD, 3600)
    assert login.find() == lasting(OLD, 3600)
    assert look_up.count == 2

    clock.now += 200
    with pytest.raises(CloudUnavailable):
        login.find()

    clock.now += 100
    with pytest.raises(CloudUnavailable):
        login.find()
    clock.now += 61
    assert login.find() == NEW


def test_one_thread_renews_while_the_others_wait(clock):
    is_asked, may_answer = threading.Event(), threading.Event()
    asked = []

    def look_up():
        asked.append(threading.get_ident())
        is_asked.set()
        assert may_answer.wait(10)
        return NEW

    login = KeptLogin(look_up, monotonic=clock)
    with ThreadPoolExecutor(8) as pool:
        findings = [pool.submit(login.find) for _ in range(8)]
        assert is_asked.wait(10)
        may_answer.set()

        assert [finding.result() for finding in findings] == [NEW] * 8

    assert len(asked) == 1


def test_an_identity_token_that_rotates_is_replaced_by_the_next(clock):
    first, second = (IdentityToken(Secret(text)) for text in ("first", "second"))
    login = KeptLogin(LookUp(Found(first, SOURCE)), monotonic=clock)
    login.find()

    login.rotate(first, Secret("second"))

    assert login.find() == Found(second, SOURCE)
    assert login.renew(first) is True


def test_an_answer_to_an_older_identity_token_changes_nothing(clock):
    login = KeptLogin(LookUp(Found(IdentityToken(Secret("first")), SOURCE)), monotonic=clock)
    login.find()

    login.rotate(IdentityToken(Secret("before")), Secret("second"))

    assert login.find() == Found(IdentityToken(Secret("first")), SOURCE)


@pytest.mark.parametrize(
    ("found", "following", "at_once"),
    [
        pytest.param(OLD, None, 2, id="passwords"),
        pytest.param(Found(IdentityToken(Secret("id")), SOURCE), None, 2, id="identity tokens that stay"),
        pytest.param(
            Found(IdentityToken(Secret("id")), SOURCE), Secret("id"), 2, id="that come again with each answer"
        ),
        pytest.param(Found(IdentityToken(Secret("id")), SOURCE), Secret("next"), 1, id="identity tokens that rotate"),
    ],
)
def test_how_many_use_a_login_at_once(clock, found, following, at_once):
    login = KeptLogin(lambda: found, monotonic=clock)
    with login.take_turn() as used:
        assert used is not None
        if isinstance(used.credentials, IdentityToken):
            login.rotate(used.credentials, following)
    inside, together, leave = [], [], threading.Event()

    def use():
        with login.take_turn():
            inside.append(1)
            together.append(len(inside))
            if len(inside) == 2:
                leave.set()
            leave.wait(10 if at_once > 1 else 0.1)
            inside.pop()

    with ThreadPoolExecutor(2) as pool:
        for user in [pool.submit(use) for _ in range(2)]:
            user.result()

    assert max(together) == at_once
