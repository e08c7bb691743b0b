"""Tables of slices: which images they name, and what is said of those that do not fit."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgecnn.errors import DataError
from edgecnn.verify.slices import read_slices

FILES = tuple(f"pictures/{name}.png" for name in "abcd")
SPLIT = "test split of made-up"


@pytest.fixture
def read(tmp_path: Path):
    def from_text(text: str, *, files: bool = True) -> dict[str, list[int]]:
        path = tmp_path / "slices.csv"
        path.write_bytes(text.encode("utf-8-sig"))
        names = tuple(str(tmp_path / name) for name in FILES) if files else ()
        return {name: place_m.tolist() for name, place_m in read_slices(path, 4, names, SPLIT).items()}

    return from_text


def test_images_are_named_by_index(read) -> None:
    assert read("index,slice\n3,night\n0,night\n1,day\n", files=False) == {"night": [0, 3], "day": [1]}


def test_images_are_named_by_path_from_the_folder_of_the_table(read, tmp_path: Path) -> None:
    absolute = tmp_path / "pictures" / "c.png"
    assert read(f"slice;path\nnight;pictures/d.png\nnight;{absolute}\n") == {"night": [2, 3]}


def test_an_image_may_be_in_several_slices(read) -> None:
    assert read("index,slice\n0,night\n0,rain\n\n") == {"night": [0], "rain": [0]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "image,slice\n0,night\n",
            r"line 1: has a column 'image'; expected a first line index,slice or path,slice, and",
        ),
        ("index,slice,weather\n0,night,rain\n", "line 1: has a column 'weather'; expected"),
        ("index,path,slice\n0,a,night\n", "line 1: is 'index,path,slice'; expected a first line index,slice or"),
        ("index\n0\n", "line 1: is 'index'; expected a first line"),
        ("", "line 1: has a column ''; expected a first line"),
        ("index,slice\n", "puts no image into a slice; expected a first line"),
        ("index,slice\n0,night\n4,night\n", r"line 3: the index is '4'; the test split of made-up has images 0\.\.3"),
        ("index,slice\n-1,night\n", "line 2: the index is '-1'; the test split"),
        ("index,slice\n1.0,night\n", r"line 2: the index is '1\.0'; the test split"),
        ("index,slice\n²,night\n", "line 2: the index is '²'; the test split"),
        ("index,slice\n1,\n", "line 2: has no slice; expected one in each line"),
        ("index,slice\n1\n", "line 2: has no slice; expected one in each line"),
        ("index,slice\n1,night,rain\n", "line 2: has 3 cells; expected two, index and slice"),
        ("index,slice\n1,night\n01,night\n", "line 3: image 01 is in slice night already, by line 2"),
        ('index,slice\n1,"night\n', r"line 2: no table \("),
        (
            "path,slice\npictures/e.png,night\n",
            r"line 2: no image of the test split .*e\.png \(1 of 1 lines name none\)",
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_line(read, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(text)


def test_paths_of_images_that_come_as_arrays_are_an_error(read) -> None:
    with pytest.raises(DataError, match=r"by path, and the test split of made-up has no files\. Name them by index"):
        read("path,slice\na.png,night\n", files=False)


@given(
    header=st.sampled_from(["index,slice\n", "path,slice\n", ""]), rest=st.text() | st.from_regex(r"([0-4],[ab]\n)*")
)
@example(header="path,slice\n", rest="a\0b,night\n")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_table_it_is_read_or_refused(read, header: str, rest: str) -> None:
    try:
        found = read(header + rest.encode(errors="replace").decode())
    except DataError:
        return
    assert all(0 <= place < 4 for places in found.values() for place in places)
    assert all(places == sorted(set(places)) and places for places in found.values())


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "slices.csv").write_bytes(b"index,slice\n\xff,a\n")
    with pytest.raises(DataError, match=r"slices\.csv: no text in UTF-8 .*; save the table as UTF-8"):
        read_slices(tmp_path / "slices.csv", 4, (), SPLIT)


def test_a_table_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: cannot be read \(No such file"):
        read_slices(tmp_path / "gone.csv", 4, (), SPLIT)
