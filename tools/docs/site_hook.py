"""What the site needs beside docs/: pages that lie elsewhere in the repository, and links between all of them.

A section of such a file, named by its anchor, can be a page of its own; the file's page has a link in its place.

The pages keep links that work in a checkout. Here a link to a file that is a page of the site becomes a link to that
page, and one to any other file of the repository becomes its name, for the site has no such file. A link to a file that
does not exist stays as it is, which ends the build.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "CONTRIBUTING.md": "design/contributing.md",
    "CONTRIBUTING.md#glossary": "reference/glossary.md",
    "SECURITY.md": "design/security.md",
    "CHANGELOG.md": "design/changes.md",
    "README.md": "index.md",
    "exported/README.md": "models/index.md",
    **{
        f"exported/{path.name}/README.md": f"models/{path.name}.md" for path in ROOT.glob("exported/*") if path.is_dir()
    },
    **{f"examples/{path.name}/README.md": f"examples/{path.name}.md" for path in ROOT.glob("examples/*/")},
}
PICTURES = {
    f"exported/{path.relative_to(ROOT / 'exported').as_posix()}": path
    for path in sorted((ROOT / "exported").glob("**/*.png"))
}
SOURCES = {page: source for source, page in ELSEWHERE.items() if page != "index.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FENCED = re.compile(r"^(```.*?^```[^\n]*$)", re.M | re.S)
DIAGRAM = re.compile(r"^```mermaid\n.*?^```\n", re.M | re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of docs/."""
    for page, source in SOURCES.items():
        files.append(File.generated(config, page, content=_content(source)))
    for source, path in PICTURES.items():
        files.append(File.generated(config, _of_the_site(source), content=path.read_bytes()))
    return files


def _of_the_site(picture: str) -> str:
    return picture.replace("exported/", "models/", 1)


def _content(source: str) -> str:
    """Return a file without its sections that are pages of their own, or one of these as a page."""
    path, _, anchor = source.partition("#")
    content = (ROOT / path).read_text(encoding="utf-8")
    if anchor:
        return _section(content, anchor)[0].replace("## ", "# ", 1)
    for own in (found for found in ELSEWHERE if found.startswith(f"{path}#")):
        section, heading = _section(content, own.partition("#")[2])
        content = content.replace(section, f"## {heading}\n\n[{heading}]({own}) is a page of its own.\n\n")
    return content


def _section(content: str, anchor: str) -> tuple[str, str]:
    """Return a section with its heading, and what this says."""
    found = re.search(rf"^## ({anchor})\n.*?(?=^## |\Z)", content, re.M | re.S | re.I)
    assert found is not None, f"no section {anchor}"
    return found[0], found[1]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that work in a checkout into links of the site; the diagram is a picture there."""
    place = page.file.src_uri
    up = posixpath.relpath("pictures/path.svg", posixpath.dirname(place) or ".")
    parts = FENCED.split(DIAGRAM.sub(f"![From a data set to a file in an application]({up})\n", markdown))
    return "".join(part if part.startswith("```") else _linked(part, place) for part in parts)


def _linked(text: str, place: str) -> str:
    folder = posixpath.dirname(SOURCES.get(place, f"docs/{place}"))

    def of(match: re.Match[str]) -> str:
        picture, words, address = match.groups()
        target, _, anchor = address.partition("#")
        if not target or re.match(r"[a-z]+:", address):
            return match[0]
        source = posixpath.normpath(posixpath.join(folder, target))
        if f"{source}#{anchor}" in ELSEWHERE:
            source, anchor = f"{source}#{anchor}", ""
        page = ELSEWHERE.get(source, source.removeprefix("docs/") if source.startswith("docs/") else None)
        page = _of_the_site(source) if source in PICTURES else page
        if page is None or not (picture or page.endswith(".md")):
            return words if (ROOT / source).exists() else match[0]
        there = os.path.relpath(page, posixpath.dirname(place) or ".").replace(os.sep, "/")
        return f"{picture}[{words}]({there}{'#' + anchor if anchor else ''})"

    return LINK.sub(of, text)
