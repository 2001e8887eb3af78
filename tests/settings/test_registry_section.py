"""What the settings say of a registry: its limits, mirrors, proxy and client certificate, and what becomes of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.connect import make_registries
from imagebot.registry.host import ClientCertificate, Limits, Mirror, Proxy, RegistryHost
from imagebot.registry.pacing import Pacing
from imagebot.secret import Secret
from imagebot.settings.operator import InvalidSettings, load_settings
from imagebot.store.store import Store

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("client.pem", "key.pem"):
        (tmp_path / name).write_text("text")
    return tmp_path


def write(folder: Path, *lines: str, registry: str = "r.example") -> Path:
    path = folder / "imagebot.yaml"
    path.write_text("\n".join(["registries:", f"  {registry}:", *(f"    {line}" for line in lines), ""]))
    return path


def make_host(folder: Path, *lines: str, registry: str = "r.example") -> RegistryHost:
    settings = load_settings(write(folder, *lines, registry=registry), {"PASSWORD": "secret"})
    with make_registries(settings, store=None) as registries:
        return registries._hosts[registry]


def list_faults(folder: Path, *lines: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        load_settings(write(folder, *lines), {"PASSWORD": "secret"})
    faults = [str(fault).removeprefix(f"{folder}/imagebot.yaml:") for fault in raised.value.faults]
    return [fault.replace('registries["r.example"].', "") for fault in faults]


@pytest.mark.parametrize(
    ("registry", "lines", "limits"),
    [
        pytest.param("r.example", ["max_tags: 5"], Limits(8, 20.0), id="any other"),
        pytest.param("quay.io", ["max_tags: 5"], Limits(4, 3.0), id="a known one"),
        pytest.param("quay.io", ["requests_per_second: 0.5"], Limits(4, 0.5), id="one of both"),
        pytest.param("quay.io", ["requests_in_flight: 2"], Limits(2, 3.0), id="the other"),
        pytest.param("localhost:5000", ["requests_per_second: 7"], Limits(8, 7.0), id="this machine, if it is said"),
    ],
)
def test_how_hard_a_registry_is_pressed(folder, registry, lines, limits):
    assert make_host(folder, *lines, registry=registry).limits == limits


def test_mirrors_proxy_and_certificate(folder):
    host = make_host(
        folder,
        "mirrors: [mirror.example, h.example:5000/hub]",
        "mirrors_only: true",
        "proxy: http://proxy.example:3128/",
        "proxy_username: bot",
        "proxy_password: {env: PASSWORD}",
        "client_cert_file: client.pem",
        "client_key_file: key.pem",
    )

    assert (host.mirrors, host.mirrors_only) == ((Mirror("mirror.example", ""), Mirror("h.example:5000", "hub")), True)
    assert host.proxy == Proxy("http://proxy.example:3128", "bot", Secret("secret"))
    assert host.client_certificate == ClientCertificate(folder / "client.pem", folder / "key.pem")


def test_no_proxy_is_another_thing_than_the_environments(folder):
    assert make_host(folder, "proxy: none").proxy == Proxy(None)
    assert make_host(folder, "max_tags: 5").proxy is None


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        pytest.param(
            ["requests_in_flight: 0"],
            "3:25: requests_in_flight: found the number 0; accepted is a whole number from 1 to 64",
            id="none at once",
        ),
        pytest.param(
            ["requests_per_second: 1001"],
            "3:26: requests_per_second: found the number 1001; accepted is a number from 0.01 to 1000",
            id="too many a second",
        ),
        pytest.param(
            ["mirrors: ['https://mirror.example']"],
            "3:15: mirrors[0]: found 'https://mirror.example'; accepted is a mirror as image"
            " references have it: HOST, HOST:PORT, or with a path HOST/PATH",
            id="a URL for a mirror",
        ),
        pytest.param(
            ["mirrors_only: true"],
            "3:5: mirrors: found none; accepted is a list of mirrors, as mirrors_only is true",
            id="mirrors only, and none",
        ),
        pytest.param(
            ["client_cert_file: client.pem"],
            "3:5: client_key_file: found no such key; accepted is client_cert_file and client_key_file together",
            id="a certificate without its key",
        ),
        pytest.param(
            ["proxy: http://p.example", "proxy_username: bot"],
            "3:5: proxy_password: found no such key; accepted is proxy_username and proxy_password together",
            id="half a login",
        ),
        pytest.param(
            ["proxy_username: bot", "proxy_password: {env: PASSWORD}"],
            "3:5: proxy: found none; accepted is the URL of the proxy that proxy_username is for",
            id="a login at no proxy",
        ),
        pytest.param(
            ["proxy: 'http://bot:secret@p.example'"],
            "3:12: proxy: found a URL with a user in it; accepted is a URL without; use the keys"
            " proxy_username and proxy_password",
            id="a password in a URL",
        ),
        pytest.param(
            ["proxy: 'socks5://p.example'"],
            "3:12: proxy: found 'socks5://p.example'; accepted is the proxy's URL, as in"
            " http://proxy.example.com:3128, or none to go straight",
            id="another kind of proxy",
        ),
    ],
)
def test_a_fault_is_said_with_its_place(folder, lines, fault):
    assert list_faults(folder, *lines) == [fault]


def test_pauses_are_kept_in_the_store_and_found_there(folder):
    settings = load_settings(write(folder, "max_tags: 5"), {})
    pacing = Pacing(now=lambda: NOON)
    with Store.open(folder / "store.db") as store:
        with make_registries(settings, store=store, pacing=pacing) as registries:
            registries._pacing.pauses.keep("r.example", "all", NOON + timedelta(hours=1))
        with make_registries(settings, store=store, pacing=pacing) as registries:
            assert registries._pacing.pauses.find("r.example") == {"all": NOON + timedelta(hours=1)}
