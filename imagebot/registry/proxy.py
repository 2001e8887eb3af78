"""Which proxy a request goes through, as the environment says it for most programs. Pure.

`http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case; as of curl's, the ones in lower case
come first. What `no_proxy` names is asked directly: a host with all below it, an address, a network (`10.0.0.0/8`),
each with a port or without, or `*` for everything.
"""

import ipaddress
from collections.abc import Mapping

from imagebot.registry.host import Origin


def find_proxy(origin: Origin, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy to this origin, with its scheme; None where it is asked directly."""
    proxy = _find(environ, f"{origin.scheme}_proxy") or _find(environ, "all_proxy")
    if not proxy or _is_excepted(origin, _find(environ, "no_proxy")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _find(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _is_excepted(origin: Origin, exceptions: str) -> bool:
    return any(_covers(each.strip().lower(), origin) for each in exceptions.split(",") if each.strip())


def _covers(exception: str, origin: Origin) -> bool:
    if exception == "*":
        return True
    host, mark, port = exception.rpartition(":")
    if mark and port.isdigit() and not host.endswith(":"):
        if int(port) != origin.port:
            return False
        exception = host
    try:
        address = ipaddress.ip_address(origin.host)
    except ValueError:
        name = exception.lstrip("*").lstrip(".")
        return name != "" and (origin.host == name or origin.host.endswith(f".{name}"))
    try:
        return address in ipaddress.ip_network(exception.strip("[]"), strict=False)
    except ValueError:
        return False
