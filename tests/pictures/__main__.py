"""`make pictures`: the examples of `tests/proposal/examples.py` as a forge shows them, in HTML and, with Chromium, PNG.

They are for looking at: what the texts say is held by `tests/proposal/test_examples.py`.
"""

import html
import shutil
import subprocess
import sys
from pathlib import Path

from markdown_it import MarkdownIt

from imagebot.proposal.text import make_text
from tests.proposal.examples import Example, make_examples

_FOLDER = Path("build/pictures")
_WIDTH = 944
_STYLE = (Path(__file__).parent / "forge.css").read_text()
_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>{style}</style>
<h1>{title} <span class="number">#{number}</span></h1>
<main>{body}</main>
"""


def write_page(example: Example, number: int) -> Path:
    """Write one example as a page; the renderer reads tables, HTML and bare addresses as forges do."""
    text = make_text(example.group, example.backdrop)
    renderer = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    path = _FOLDER / f"{example.name}.html"
    body = renderer.render(text.body).replace("<details>", "<details open>")
    path.write_text(_PAGE.format(title=html.escape(text.title), number=number, style=_STYLE, body=body))
    path.with_suffix(".md").write_text(f"# {text.title}\n\n{text.body}")
    return path


def take_picture(chromium: str, page: Path) -> Path:
    picture = page.with_suffix(".png")
    height = 400 + 30 * len(page.with_suffix(".md").read_text().splitlines())
    size = f"--window-size={_WIDTH},{height}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size]
    command = [chromium, *options, f"--screenshot={picture}", page.absolute().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return picture


def main() -> int:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    for number, example in enumerate(make_examples(), start=128):
        page = write_page(example, number)
        print(take_picture(chromium, page) if chromium else page)
    if chromium is None:
        print("for pictures, install chromium; the pages can be opened in any browser", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
