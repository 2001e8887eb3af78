"""Which URLs the settings take for git repos and forges, and what is read off them.

A URL never carries a password, because URLs end up in logs, process lists and git's own messages. People paste such
all the same, so of what is refused only the scheme and the host are shown.
"""

import re
from urllib.parse import SplitResult, urlsplit

from imagebot.settings.section import Refused

ACCEPTED_GIT_URL = (
    "a git URL: https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH, or http://HOST/PATH"
    " with plain_http: true"
)
ACCEPTED_FORGE_URL = "the forge's URL, as in https://gitlab.example.com, or http:// with plain_http: true"
ACCEPTED_PROXY_URL = "the proxy's URL, as in http://proxy.example.com:3128, or none to go straight"
NO_PROXY = "none"

_MAX_URL = 1000
_VISIBLE = re.compile(r"[!-~\xa1-\U0010ffff]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# As scp has it. A colon first in the path would be git's `ext::COMMAND`, which runs programs.
_SCP = re.compile(r"([^@:/]+)@([^@:/]+):([^:/-][^:]*|/[^:]+)")


def make_git_url(text: str, _: object) -> str:
    """Return the text if it is a URL that imagebot lets git use; raises Refused."""
    if scp := _SCP.fullmatch(text):
        if not (_USER.fullmatch(scp[1]) and _HOST.fullmatch(scp[2]) and _VISIBLE.fullmatch(text)):
            raise _refuse(text)
        return text
    url = _split(text)
    if url.scheme == "file":
        if url.netloc or not url.path.strip("/"):
            raise _refuse(text)
        return text
    if url.scheme not in ("https", "http", "ssh") or not url.path.strip("/"):
        raise _refuse(text)
    if url.username is not None and not (url.scheme == "ssh" and _USER.fullmatch(url.username)):
        raise Refused(found="a URL with a user in it", accepted="a URL without; use the keys username and password")
    return text


def make_forge_url(text: str, _: object) -> str:
    """Return the text, without a slash at its end, if it is a forge's URL; raises Refused."""
    url = _split(text)
    if url.scheme not in ("https", "http") or url.username is not None:
        raise _refuse(text)
    return text.rstrip("/")


def make_proxy_url(text: str, _: object) -> str:
    """Return the text, without a slash at its end, if it is a proxy's URL, or NO_PROXY; raises Refused."""
    if text == NO_PROXY:
        return text
    if "@" in text:
        accepted = "a URL without; use the keys proxy_username and proxy_password"
        raise Refused(accepted, found="a URL with a user in it")
    url = _split(text)
    if url.scheme not in ("https", "http") or url.path.strip("/"):
        raise _refuse(text)
    return text.rstrip("/")


def is_plain_http(url: str) -> bool:
    return url.startswith("http://")


def find_host(url: str) -> str | None:
    """Return the URL's `HOST[:PORT]`; None for a path on this machine."""
    if scp := _SCP.fullmatch(url):
        return scp[2]
    return urlsplit(url).netloc.rpartition("@")[2] or None


def simplify_url(url: str) -> str:
    """Return the same text for URLs of the same git repo that differ only in a `.git` or a slash at their end."""
    return url.rstrip("/").removesuffix(".git").rstrip("/")


def find_repo_path(url: str) -> str:
    """Return the path of the git repo, without a slash around it or `.git` at its end."""
    scp = _SCP.fullmatch(url)
    path = scp[3] if scp else urlsplit(url).path
    return path.strip("/").removesuffix(".git")


def _split(text: str) -> SplitResult:
    """Split a URL of the shape `scheme://host[:port]/path`, without a password, query or fragment; raises Refused."""
    if len(text) > _MAX_URL:
        raise _refuse(text)
    try:
        url = urlsplit(text)
        has_port_zero = url.port == 0
    except ValueError:
        raise _refuse(text) from None
    if url.password is not None:
        raise Refused(found="a URL with a password in it", accepted="a URL without; use the keys username and password")
    is_complete = text.startswith(f"{url.scheme}://") and (url.scheme == "file" or _HOST.fullmatch(url.hostname or ""))
    if not is_complete or has_port_zero or url.query or url.fragment or not _VISIBLE.fullmatch(text):
        raise _refuse(text)
    return url


def _refuse(text: str) -> Refused:
    """Refuse a text, which is shown if it has a scheme (of a URL `quote` shows no more than the host) or no secret."""
    is_shown = "://" in text or not re.search(r"[@?#:]", text)
    return Refused(found=None if is_shown else "a text that is no such URL")
