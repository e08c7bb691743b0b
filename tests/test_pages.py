"""Every block of every page runs: what a reader may copy works, in the order of the page.

A ``console`` block is a transcript: what follows ``$ `` is run by bash, the rest is what it prints; messages and exit
codes in it are held to what is printed. A ``python`` block is a program; a block with a title is that file. Pages in
how-to/ start in the folder that the tutorial leaves. What cannot run here (a camera, a GPU, another machine) is
``text``.
"""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from edgecnn_cli import console
from preloaded import serving

from edgecnn import errors

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
BLOCK = re.compile(r'^( *)```(\w*)(?: title="([^"]+)")?\n(.*?)^\1```$', re.M | re.S)
RUN, SHOWN = ("console", "python"), ("text", "toml", "json", "mermaid")
BRIEFLY = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); import brief; brief.measure_briefly()\n"
WRITTEN = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: what it is, the file that it stands for, its text."""

    kind: str
    title: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match[2], match[3], textwrap.dedent(match[4])) for match in found]


def commands(transcript: str) -> str:
    """Return the commands of a console block, with the lines that continue them."""
    kept: list[str] = []
    for line in transcript.splitlines():
        if line.startswith("$ ") or (kept and kept[-1].endswith("\\")):
            kept.append(line.removeprefix("$ "))
    return "\n".join(kept)


def messages(transcript: str) -> list[str]:
    """Return the messages and exit codes that a transcript shows, which have to be as they are printed."""
    return [line for line in transcript.splitlines() if re.match(r"(error|warning): |exit code \d", line)]


PAGES = [page for page in WRITTEN if page != TUTORIAL and any(block.kind in RUN for block in blocks(page))]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a command whose imports are done."""
    with serving(tmp_path_factory.mktemp("command"), os.environ) as folder:
        yield folder


@pytest.fixture
def play(data_root: Path, loaded: Path) -> Callable[[Path, Path], None]:
    """Run all blocks of a page in a folder."""

    def run(page: Path, folder: Path) -> None:
        (folder / ".home").mkdir(exist_ok=True)
        environment = {
            "EDGECNN_DATA": str(data_root),
            "PATH": ":".join(map(str, (loaded, Path(sys.executable).parent, "/usr/bin", "/bin"))),
            "HOME": str(folder / ".home"), "PYTHONDONTWRITEBYTECODE": "1",
            **{name: os.environ[name] for name in ("OMP_NUM_THREADS",) if name in os.environ},
        }  # fmt: skip
        for block in blocks(page):
            if block.title is not None:
                (folder / block.title).write_text(block.text, encoding="utf-8")
            if block.title is not None or block.kind not in RUN:
                continue
            python, shell = [sys.executable, "-W", "error", "-c"], ["bash", "-euo", "pipefail", "-c"]
            program = BRIEFLY + block.text if "seconds=" in block.text else block.text
            command = [*python, program] if block.kind == "python" else [*shell, commands(block.text)]
            result = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
            )
            said = result.stdout + result.stderr
            assert result.returncode == 0, f"{page}\n{block.text}\n{said}"
            for line in messages(block.text):
                parts = [re.escape(part) for part in line.split("…")]
                assert re.search("^" + ".*".join(parts), said, re.M), f"{page} shows\n{line}\nwhere it is\n{said}"

    return run


@pytest.fixture
def after_tutorial(once, play, tmp_path: Path) -> Path:
    """A copy of the folder that the tutorial leaves."""

    def go_through(folder: Path) -> None:
        folder.mkdir()
        play(TUTORIAL, folder)

    return shutil.copytree(once("tutorial", go_through), tmp_path / "tutorial")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_runs(after_tutorial: Path) -> None:
    assert (after_tutorial / "app" / "selftest.py").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "how-to"], ids=lambda page: page.stem)
def test_a_how_to_runs(page: Path, after_tutorial: Path, play: Callable[[Path, Path], None]) -> None:
    play(page, after_tutorial)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "how-to"], ids=lambda page: page.stem)
def test_a_page_runs(page: Path, tmp_path: Path, play: Callable[[Path, Path], None]) -> None:
    play(page, tmp_path)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_block_says_what_it_is(page: Path) -> None:
    assert {block.kind for block in blocks(page)} <= {*RUN, *SHOWN}
    fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.M)
    assert len(fences) == 2 * len(blocks(page)), "a fence that no test reads"


def test_the_page_on_errors_has_every_exception_and_its_exit_code() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.EdgecnnError)]
    assert [one for one in found if f"| `{one.__name__}` | {one.exit_code} |" not in page] == []


def test_pages_show_the_line_of_export_as_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    score = SimpleNamespace(metric="accuracy", value=0.99)
    found = {"parity_images": 9, "parity_source": "here", "output": "logits", "max_abs_gap": 1e-6, "agreement": 1.0}
    console.show_parity("PyTorch", SimpleNamespace(**found, test_score=score))
    lines = [line for page in WRITTEN for line in page.read_text(encoding="utf-8").splitlines()]
    shown = [line for line in lines if line.startswith("passed: same as PyTorch on") and "accuracy" in line]
    assert len(shown) > 2
    assert {_without_figures(line) for line in shown} == {_without_figures(capsys.readouterr().out)}


def _without_figures(line: str) -> str:
    return re.sub(r"\d[\d.,e+-]*", "#", re.sub(r"\(.*\)", "", line)).strip()


def test_a_transcript_gives_its_commands() -> None:
    assert commands("$ one \\\n    two\nprinted\n$ three | four\n") == "one \\\n    two\nthree | four"
