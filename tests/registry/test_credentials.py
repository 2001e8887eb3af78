"""One login per registry, looked up once."""

import pytest

from imagebot.registry.credentials import KeptLogin, Login
from imagebot.registry.errors import CredentialHelperTimedOut
from imagebot.secret import Secret

OLD, NEW = Login("bob", Secret("old")), Login("bob", Secret("new"))


class LookUp:
    """Gives the findings one after the other; an error among them is raised."""

    def __init__(self, *findings: object) -> None:
        self._findings = iter(findings)
        self.count = 0

    def __call__(self) -> Login | None:
        self.count += 1
        finding = next(self._findings)
        if isinstance(finding, Exception):
            raise finding
        assert finding is None or isinstance(finding, Login)
        return finding


@pytest.mark.parametrize("finding", [pytest.param(OLD, id="a login"), pytest.param(None, id="that there is none")])
def test_what_was_found_is_kept(clock, finding):
    look_up = LookUp(finding)
    login = KeptLogin(look_up, monotonic=clock)

    assert [login.find(), login.find()] == [finding, finding]
    assert look_up.count == 1


def test_a_refused_login_is_looked_up_again(clock):
    login = KeptLogin(LookUp(OLD, NEW), monotonic=clock)
    login.find()

    assert login.renew(OLD) is True
    assert login.find() == NEW


def test_a_refused_login_that_stays_the_same_is_no_news(clock):
    login = KeptLogin(LookUp(OLD, OLD), monotonic=clock)
    login.find()

    assert login.renew(OLD) is False


def test_a_login_that_another_thread_renewed_is_not_looked_up_again(clock):
    look_up = LookUp(OLD, NEW)
    login = KeptLogin(look_up, monotonic=clock)
    login.find()
    login.renew(OLD)

    assert login.renew(OLD) is True
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
