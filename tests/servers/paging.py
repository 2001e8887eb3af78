"""Pages of a list as GitHub and Gitea give them, with links to their neighbours."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")


def take_page(
    rows: Sequence[T], wanted: Mapping[str, Any], *, size_name: str, size: int, most: int
) -> tuple[list[T], int, int]:
    """Return the rows of the page that is wanted, its number, and the number of the last."""
    size = min(int(wanted.get(size_name, size)), most)
    page = int(wanted.get("page", 1))
    last = max(1, -(-len(rows) // size))
    return list(rows[(page - 1) * size : page * size]), page, last


def write_links(url: str, wanted: Mapping[str, Any], page: int, last: int) -> dict[str, str]:
    """Write the header; it is missing where there is but one page."""
    neighbours = {"next": page + 1, "last": last} if page < last else {}
    if page > 1:
        neighbours |= {"first": 1, "prev": page - 1}
    links = [f'<{url}?{urlencode({**wanted, "page": n})}>; rel="{name}"' for name, n in neighbours.items()]
    return {"Link": ", ".join(links)} if links else {}
