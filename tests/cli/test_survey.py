"""What train prints of a data set of one's own."""

import pytest
from edgecnn_cli import survey

from edgecnn.data.survey import ClassCount, Conflict, Shared, Survey
from edgecnn.data.whole import Left, Sources

SOURCES = Sources("train/", "20% of the training images, held out", "test/")


def _survey(*classes: ClassCount, **changes: object) -> Survey:
    nothing = {
        "left": Left(),
        "assumed": {},
        "unreadable": (),
        "repeated": 0,
        "shared": (),
        "conflicting": 0,
        "conflicts": (),
    }
    return Survey(classes=classes, sources=SOURCES, **{**nothing, **changes})


def _shown(capsys: pytest.CaptureFixture[str], found: Survey | None, *remarks: str) -> tuple[list[list[str]], str]:
    survey.show(found, remarks)
    printed = capsys.readouterr()
    return [line.split() for line in printed.out.splitlines()], " ".join(printed.err.split())


def test_of_many_classes_those_with_the_fewest_images_are_shown_and_all_are_counted(capsys) -> None:
    classes = [ClassCount(f"n{number:02}", 100 + number, 10, 5) for number in range(30)]
    rows, warnings = _shown(capsys, _survey(*classes[::-1]))
    assert " ".join(rows[0]).startswith("30 classes, here the 5 with the fewest images to learn from; train: train/;")
    assert [row[0] for row in rows[2:]] == ["n00", "n01", "n02", "n03", "n04", "all"]
    assert rows[-1] == ["all", "3,435", "300", "150"]
    assert warnings == ""


def test_everything_that_is_amiss_is_a_warning(capsys) -> None:
    found = _survey(
        ClassCount("cat", 4, 0, 1),
        ClassCount("Cat", 4, 1, 0),
        left=Left(("cat/.x",), {".heic": 1200, ".txt": 1}, ("cat/y: cannot be listed.",), ("extra/",)),
        unreadable=("a.png: broken", "b.png: broken", "c.png: broken", "d.png: broken"),
        repeated=1,
        shared=(Shared("test", "train", 2, ("t.png", "u.png")),),
        conflicting=1,
        conflicts=(Conflict(("v.png", "w.png"), ("cat", "Cat")),),
    )
    for expected in (
        "left out, cannot be read: a.png: broken; b.png: broken; c.png: broken and 1 more",
        "left out, cannot be listed: cat/y: cannot be listed.",
        "left out, hidden: cat/.x",
        "left out, no pictures that are read: 1,200 .heic, 1 .txt",
        "not read, of no split or class: extra/",
        "two classes: 'Cat' and 'cat' differ in case alone.",
        "validation has no image of cat; its figures are those of the other classes",
        "test has no image of Cat; its figures are those of the other classes",
        "1 of the training images is in train twice, pixel by pixel",
        "2 of the test images are in train too, pixel by pixel, so test figures will be too good: t.png is u.png",
        "1 picture with two labels: v.png (cat) is w.png (Cat)",
        "weights: took module. off the names",
    ):
        assert expected in _shown(capsys, found, "weights: took module. off the names")[1]


def test_of_a_named_data_set_only_remarks_are_shown(capsys) -> None:
    assert _shown(capsys, None, "a remark") == ([], "warning: a remark")


def test_control_characters_of_names_do_not_reach_the_terminal(capsys) -> None:
    survey.show(
        _survey(ClassCount("a\x1b[31m", 1, 1, 1), ClassCount("b", 1, 1, 1), unreadable=("x\x1b[2J.png: y",)), ()
    )
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
