"""File the pictures of a folder into folders by class.

python sorter.py PICTURES SORTED --model mnist-compact --threshold 0.8

Copies, or moves with --move; nothing is ever overwritten. README.md has the rest.
"""

import argparse
import csv
import errno
import filecmp
import re
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import count
from pathlib import Path
from typing import TextIO

import edgecnn
from edgecnn.errors import EdgecnnError
from edgecnn.runtime.files import FileAnswer, expand, predict_files
from edgecnn.text import csv_text

UNSURE, UNREADABLE = "unsure", "unreadable"
FAILED = "failed"
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in file names, on one system or another


@dataclass(frozen=True)
class Row:
    """One line of the report. ``folder`` is the class's, or unsure, or unreadable."""

    path: Path
    label: str
    probability: str
    folder: str
    target: Path
    action: str
    error: str


class Sorter:
    """Where each picture goes, and how it gets there."""

    def __init__(self, labels: list[str], output: Path, *, threshold: float, move: bool, dry_run: bool) -> None:
        self._folders = dict(zip(labels, folder_names(labels), strict=True))
        self._output = output
        self._threshold = threshold
        self._move = move
        self._dry_run = dry_run
        self._taken: set[Path] = set()  # by this run; a dry run leaves no other trace of them

    def sort(self, answer: FileAnswer) -> Row:
        """File one picture. One that cannot be filed stays where it is, and its row says why."""
        folder = self._folder(answer)
        target, action, error = self._output / folder / answer.path.name, FAILED, answer.error or ""
        try:
            target, there = self._free(answer.path, target.parent)
            action = "already there" if there else self._carry(answer.path, target)
            self._taken.add(target)
        except OSError as failure:
            error = str(failure)
        label, probability = (answer.top[0].label, f"{answer.top[0].probability:.6f}") if answer.top else ("", "")
        return Row(answer.path, label, probability, folder, target, action, error)

    def _carry(self, source: Path, target: Path) -> str:
        if self._dry_run:
            return "would move" if self._move else "would copy"
        if self._move:
            move(source, target)
            return "moved"
        copy(source, target)
        return "copied"

    def _folder(self, answer: FileAnswer) -> str:
        if not answer.top:
            return UNREADABLE
        best = answer.top[0]
        return self._folders[best.label] if best.probability >= self._threshold else UNSURE

    def _free(self, source: Path, folder: Path) -> tuple[Path, bool]:
        """Return a free name (7.png, 7-2.png, …) and False, or the place where the same bytes lie already and True."""
        for number in count(1):
            target = folder / (source.name if number == 1 else f"{source.stem}-{number}{source.suffix}")
            if target.is_file() and target not in self._taken and filecmp.cmp(source, target, shallow=False):
                return target, True
            if target not in self._taken and not target.exists():
                return target, False
        raise AssertionError("numbers do not end")


def folder_names(labels: list[str]) -> list[str]:
    """Return a folder name for each label: its text without what file systems refuse, with class_ids if need be."""
    names = [FORBIDDEN.sub("-", label).strip(" .") for label in labels]
    distinct = {name.lower() for name in names} - {"", UNSURE, UNREADABLE}
    if len(distinct) == len(names):
        return names
    return [f"{name}-{class_id}".lstrip("-") for class_id, name in enumerate(names)]


def copy(source: Path, target: Path) -> None:
    """Copy with times and permissions. Raises FileExistsError rather than overwrite."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(exist_ok=False)  # the name is ours from here on
    partial = target.with_name(f".{secrets.token_hex(6)}-{target.name}")
    try:
        shutil.copy2(source, partial)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        target.unlink()
        raise


def move(source: Path, target: Path) -> None:
    """Move, across file systems as well. Raises FileExistsError rather than overwrite."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(exist_ok=False)
    try:
        source.replace(target)
    except OSError as error:
        target.unlink()
        if error.errno != errno.EXDEV:
            raise
        copy(source, target)
        source.unlink()


def report_rows(file, rows: Iterator[Row]) -> Counter[str]:
    """Write each row as soon as it is known, and count the folders."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([field.name for field in fields(Row)])
    folders: Counter[str] = Counter()
    for row in rows:
        writer.writerow(csv_text(str(cell) for cell in astuple(row)))  # a name such as =1+1.png is no formula
        file.flush()  # after a crash, the report of a move is what says where each picture came from
        folders[FAILED if row.action == FAILED else row.folder] += 1
    return folders


def sort_folder(arguments: argparse.Namespace) -> int:
    source, output = arguments.pictures.resolve(), arguments.output.resolve()
    if not source.is_dir():
        raise EdgecnnError(f"{arguments.pictures}: no such folder.")
    if output.is_relative_to(source):
        raise EdgecnnError(
            f"{arguments.output}: lies inside {arguments.pictures}; what is sorted would be sorted again."
        )
    paths = expand([str(arguments.pictures)])
    if paths == [arguments.pictures]:
        raise EdgecnnError(f"{arguments.pictures}: no pictures in this folder; expected files such as .png or .jpg.")
    classifier = edgecnn.load(arguments.model)
    sorter = Sorter(
        classifier.labels,
        arguments.output,
        threshold=arguments.threshold,
        move=arguments.move,
        dry_run=arguments.dry_run,
    )
    rows = (sorter.sort(answer) for answer in predict_files(classifier, paths))
    if arguments.dry_run:
        sys.stdout.reconfigure(errors="surrogateescape")  # file names are bytes, on some systems in no encoding
        folders = report_rows(sys.stdout, rows)
    else:
        report = arguments.report or arguments.output / "report.csv"
        with new_file(report) as file:
            folders = report_rows(file, rows)
            print(f"report: {file.name}")
        for folder, pictures in sorted(folders.items()):
            print(f"{pictures:6,}  {folder}")
    return 1 if folders[UNREADABLE] or folders[FAILED] else 0


def new_file(wanted: Path) -> TextIO:
    """Open a file that was not there: report.csv, or report-2.csv and so on."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            return path.open("x", newline="", encoding="utf-8", errors="surrogateescape")
        except FileExistsError:
            continue
    raise AssertionError("numbers do not end")


def fraction(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(value)
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description="File the pictures of a folder into folders by class.")
    parser.add_argument("pictures", type=Path, help="folder with pictures, searched to the bottom")
    parser.add_argument("output", type=Path, help="folder that gets a folder for each class")
    parser.add_argument("--model", default="mnist-compact", help="a model file or a name of the zoo (%(default)s)")
    parser.add_argument(
        "--threshold", type=fraction, default=0.5, help=f"below this probability, 0 to 1, into {UNSURE}/ (%(default)s)"
    )
    parser.add_argument("--move", action="store_true", help="move the pictures; the default copies them")
    parser.add_argument("--dry-run", action="store_true", help="print the report and change nothing")
    parser.add_argument("--report", type=Path, help="the report's file (OUTPUT/report.csv)")
    try:
        code = sort_folder(parser.parse_args())
    except (EdgecnnError, OSError) as error:
        print(error, file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("stopped; the report has what was done", file=sys.stderr)
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
