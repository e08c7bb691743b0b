"""Keys, and the window where there is none. What a screen shows cannot be had here."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecnn.errors import SourceError
from edgecnn.webcam.window import ESCAPE, Controls, Window

FRAME = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture
def controls(told: list[str], tmp_path: Path) -> Controls:
    return Controls(crops=False, tell=told.append, folder=tmp_path)


@pytest.mark.parametrize("key", [" ", "p"])
def test_pause_goes_on_and_off(controls: Controls, key: str) -> None:
    states = []
    for _ in range(2):
        controls.press(ord(key), FRAME)
        states.append(controls.paused)
    assert states == [True, False]


def test_d_shows_and_hides_the_crops(controls: Controls) -> None:
    states = []
    for _ in range(2):
        controls.press(ord("d"), FRAME)
        states.append(controls.crops)
    assert states == [True, False]


@pytest.mark.parametrize("key", [ord("q"), ESCAPE])
def test_q_and_escape_quit(controls: Controls, key: int) -> None:
    controls.press(key, FRAME)
    assert controls.quit


@pytest.mark.parametrize("key", [-1, 0, ord("x"), 255])
def test_no_key_and_other_keys_do_nothing(controls: Controls, told: list[str], key: int) -> None:
    controls.press(key, FRAME)
    assert (controls.paused, controls.crops, controls.quit, told) == (False, False, False, [])


def test_s_saves_the_frame_as_it_came_and_says_where(controls: Controls, told: list[str], tmp_path: Path) -> None:
    controls.press(ord("s"), FRAME)
    controls.press(ord("s"), FRAME)
    saved = sorted(tmp_path.iterdir())
    assert told == [f"saved {path}" for path in saved]
    assert len(saved) == 2
    assert all(re.fullmatch(r"edgecnn-\d{8}-\d{6}-\d{6}\.png", path.name) for path in saved)
    np.testing.assert_array_equal(cv2.imread(str(saved[0])), FRAME)


def test_a_frame_that_cannot_be_saved_is_told_and_ends_nothing(told: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    Controls(crops=False, tell=told.append, folder=tmp_path / "file").press(ord("s"), FRAME)
    assert len(told) == 1
    assert "cannot be written" in told[0]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_the_message_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SourceError, match=r"no display to open a window on .* Use --no-display"):
        Window()


@pytest.mark.skipif("GUI:                           NONE" not in cv2.getBuildInformation(), reason="OpenCV has windows")
def test_without_windows_in_opencv_the_message_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(SourceError, match=r"opens no windows .* Use --no-display.* 'edgecnn\[webcam\]'"):
        Window()
    assert capfd.readouterr() == ("", "")
