"""Each row of the table of faults, through the client: one sentence that helps, and a login that stays where it is."""

import pytest

from imagebot.image.reference import Repository
from imagebot.registry.credentials import Login
from imagebot.secret import Secret
from tests.servers.faults import FAULTS, Fault
from tests.servers.faulty_registry import LOGIN, PASSWORD, USER, FaultyRegistry


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_a_fault_is_said_in_words_that_help(connect, fault: Fault):
    with FaultyRegistry(fault.answer) as registry:
        registries = connect(registry.address, login=Login(USER, Secret(PASSWORD)), timeout_s=1.0, **fault.settings)
        repository = Repository(registry.address, "acme/api")
        assert registries.list_tags(repository).tags == ("1.0.0", "1.1.0")
        registry.is_faulty = True

        with pytest.raises(fault.error) as caught:
            registries.list_tags(repository)

    text = str(caught.value)
    assert [each for each in fault.said if each not in text] == []
    assert registry.address in text
    assert type(caught.value) is fault.error
    assert registry.faults == fault.asked
    assert (PASSWORD in text, LOGIN in text) == (False, False)
    assert registry.asked_elsewhere == []
    assert {asked.authorization for asked in registry.asked} == {None, LOGIN}
