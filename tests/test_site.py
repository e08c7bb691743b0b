"""The site: make site builds it without a warning, its links lead somewhere, and nothing in it comes from elsewhere."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

import edgecnn

ROOT = Path(__file__).resolve().parents[1]
LOADED = {"link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src"}


class Seen(HTMLParser):
    """What a page has: anchors, links, and addresses that a browser loads by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given["id"]} if given.get("id") else set()
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        if tag in LOADED and given.get(LOADED[tag]) and given.get("rel") != "canonical":
            self.loaded.add(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(once) -> dict[Path, Seen]:
    """The pages of the site, built as make site does."""
    built = once("site", build)
    return {page: Seen(page) for page in built.rglob("*.html")}


def build(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)], cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def local(page: Path, address: str) -> tuple[Path, str] | None:
    """Return the file and the anchor that an address means, None outside of the site."""
    if urlsplit(address).scheme or address.startswith("//"):
        return None
    path, anchor = urldefrag(address)
    target = (page.parent / unquote(path)).resolve() if path else page
    return (target / "index.html" if target.is_dir() else target), unquote(anchor)


@pytest.mark.slow
def test_every_link_leads_to_a_page_and_an_anchor_that_is_there(site: dict[Path, Seen]) -> None:
    checked, broken = 0, []
    for page, seen in site.items():
        if page.name == "404.html":
            continue  # its links start at the root of a server
        for address in seen.links | seen.loaded:
            if (found := local(page, address)) is None:
                continue
            checked += 1
            target, anchor = found
            if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in site[target].anchors):
                broken.append(f"{page.parent.name}: {address}")
    assert checked > 1_000
    assert broken == []


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: dict[Path, Seen]) -> None:
    assert [address for seen in site.values() for address in seen.loaded if local(Path(), address) is None] == []


@pytest.mark.slow
def test_the_python_page_has_every_public_name(site: dict[Path, Seen]) -> None:
    (page,) = (seen for path, seen in site.items() if path.parent.name == "python")
    assert [name for name in edgecnn.__all__ if name != "__version__" and f"edgecnn.{name}" not in page.anchors] == []


def test_every_page_of_a_model_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    models = sorted(path.parent.name for path in (ROOT / "exported").glob("*/README.md"))
    assert [name for name in models if f"models/{name}.md" not in navigation] == []
