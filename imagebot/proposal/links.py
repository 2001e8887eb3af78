"""Web addresses that reviewers follow: an image's source, what changed in it, its release; made of labels of images.

Labels are written by whoever pushed the image. Of their URLs only parts that have the form of such are kept, and the
address is built from these anew: a host and a path, without query, fragment or user.

    GitHub      /OWNER/REPO          /compare/A...B      /commit/A       /releases/tag/T         /releases?q=T
    GitLab      /GROUP/.../REPO      /-/compare/A...B    /-/commit/A     /-/releases/T           /-/tags?search=T
    Gitea       /OWNER/REPO          /compare/A...B      /commit/A       /releases/tag/T         /releases?q=T
    Bitbucket   /OWNER/REPO          /branches/compare/B%0DA             /commits/A              /src/T

On GitHub a link to an issue or a pull request would leave a trace there, for everyone to see; none of these pages does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from imagebot.image.description import Description
from imagebot.image.reference import DOCKER_HUB, Repository
from imagebot.policy.variant import split_tag

_MOST_CHARACTERS = 500
_HOST = re.compile(r"(?!-)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~-]{1,100}")
_REVISION = re.compile(r"[0-9a-f]{7,64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
_SCP = re.compile(r"(?:ssh://)?git@([a-z0-9.-]+)[:/](.+)")
# Where a path leads on from the repository to one of its pages.
_PAGES = frozenset(
    [
        "-",
        "tree",
        "blob",
        "src",
        "raw",
        "commit",
        "commits",
        "releases",
        "tags",
        "wiki",
        "issues",
        "pull",
        "pulls",
        "merge_requests",
    ]
)


@dataclass(frozen=True, slots=True)
class _Site:
    """How the pages of a forge are found, below the address of a repository; None where it has no such page."""

    segments: int | None
    """How many parts the path of a repository has; None if any number."""
    compare: Callable[[str, str], str]
    commit: Callable[[str], str]
    release: Callable[[str], str]
    search: Callable[[str], str] | None


_GITHUB = _Site(
    2,
    lambda old, new: f"compare/{old}...{new}",
    lambda revision: f"commit/{revision}",
    lambda tag: f"releases/tag/{tag}",
    lambda text: f"releases?q={text}",
)
_GITLAB = _Site(
    None,
    lambda old, new: f"-/compare/{old}...{new}",
    lambda revision: f"-/commit/{revision}",
    lambda tag: f"-/releases/{tag}",
    lambda text: f"-/tags?search={text}",
)
_BITBUCKET = _Site(
    2,
    lambda old, new: f"branches/compare/{new}%0D{old}",
    lambda revision: f"commits/{revision}",
    lambda tag: f"src/{tag}",
    None,
)
_SITES = {
    "github.com": _GITHUB,
    "gitlab.com": _GITLAB,
    "bitbucket.org": _BITBUCKET,
    "codeberg.org": _GITHUB,
    "gitea.com": _GITHUB,
}
# Of others the first word of the host tells, by custom. Gitea and Forgejo have GitHub's paths.
_WORDS = {"github": _GITHUB, "gitlab": _GITLAB, "gitea": _GITHUB, "forgejo": _GITHUB}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the source of an image is; `name` is what people call it, `site` is None if the forge is not known."""

    name: str
    url: str
    site: _Site | None


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses that are safe to write into Markdown as they are; None for what is not known."""

    source: Source | None = None
    changes: str | None = None
    commit: str | None = None
    """The commit that the image was built from."""
    release: str | None = None
    registry: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A tag, None if there is only a digest, and what the image says of itself, None if that is not known."""

    tag: str | None
    image: Description | None

    @property
    def source(self) -> Source | None:
        """Where its source is, by its label; None if that is no address of a web page."""
        text = self.image.source if self.image is not None else None
        return None if text is None else parse_source(text)

    @property
    def revision(self) -> str | None:
        """The commit it was built from."""
        text = (self.image.revision if self.image is not None else None) or ""
        return text.lower() if _REVISION.fullmatch(text.lower()) else None

    @property
    def version(self) -> str | None:
        """What the source may call it: by its label, or else by what of the tag is no variant."""
        label = self.image.version if self.image is not None else None
        if label is not None and _TAG.fullmatch(label):
            return label
        split = split_tag(self.tag) if self.tag is not None else None
        return None if split is None else split[1]

    @property
    def git_tag(self) -> str | None:
        """What the source is sure to call it: who writes `v1.2.3` here writes it there."""
        split = split_tag(self.version) if self.version is not None else None
        return self.version if split is not None and split[0].has_v and split[0].components == 3 else None


def find_links(repository: Repository, *, old: Told, new: Told) -> Links:
    """Find where people read about an image, and what changed since another one of the same repository."""
    registry = _find_registry_page(repository, new.tag)
    source, before = new.source, old.source
    if source is None:
        return Links(registry=registry)
    if source.site is None:
        return Links(source, registry=registry)
    changes = None
    if before is None or before.url == source.url:
        pairs = ((old.revision, new.revision), (old.git_tag, new.git_tag))
        known = next(((a, b) for a, b in pairs if a and b), None)
        changes = f"{source.url}/{source.site.compare(*known)}" if known and known[0] != known[1] else None
    commit = f"{source.url}/{source.site.commit(new.revision)}" if new.revision else None
    return Links(source, changes, commit, _find_release(source.url, source.site, new), registry)


def parse_source(text: str) -> Source | None:
    """Parse the URL of a repository, as in `https://github.com/acme/api.git` and `git@github.com:acme/api`."""
    host, segments = _split(text)
    if not segments:
        return None
    site = _SITES.get(host) or _WORDS.get(host.partition(".")[0])
    segments = segments[: _count_own(segments, site)]
    segments = [*segments[:-1], segments[-1].removesuffix(".git")]
    if (site is not None and len(segments) < 2) or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    name = f"{host}/{'/'.join(segments)}"
    scheme = "http" if text.startswith("http:") and host not in _SITES else "https"
    return Source(name, f"{scheme}://{name}", site)


def _split(text: str) -> tuple[str, list[str]]:
    """Split an address into host, with its port if it has one, and the parts of its path; nothing if it is none."""
    nothing: tuple[str, list[str]] = "", []
    if len(text) > _MOST_CHARACTERS or not text.isprintable():
        return nothing
    if (scp := _SCP.fullmatch(text)) and scp[1] in _SITES:
        return scp[1], scp[2].strip("/").split("/")
    try:
        parts = urlsplit(text.removeprefix("git+"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return nothing
    is_git = parts.scheme == "git" and host in _SITES
    if not (parts.scheme in ("https", "http") or is_git) or "@" in parts.netloc or not _HOST.fullmatch(host):
        return nothing
    host = host.removeprefix("www.")
    return (f"{host}:{port}" if port else host), parts.path.strip("/").split("/")


def _count_own(segments: list[str], site: _Site | None) -> int:
    """Count the parts of a path that name the repository itself."""
    if site is not None and site.segments is not None:
        return site.segments
    return next((n for n, each in enumerate(segments) if n >= 2 and each in _PAGES), len(segments))


def _find_release(url: str, site: _Site, new: Told) -> str | None:
    """Find the page of a release, or where there is none that is sure to be there, the one that finds it."""
    if new.git_tag is not None:
        return f"{url}/{site.release(new.git_tag)}"
    return f"{url}/{site.search(quote(new.version, safe=''))}" if site.search and new.version else None


def _find_registry_page(repository: Repository, tag: str | None) -> str | None:
    """Find the page of a tag at the registry, where that is one with pages whose addresses are known."""
    if repository.registry != DOCKER_HUB:
        return None
    namespace, _, name = repository.path.partition("/")
    path = f"_/{name}" if namespace == "library" else f"r/{repository.path}"
    return f"https://hub.docker.com/{path}/tags" + (f"?name={quote(tag, safe='')}" if tag else "")
