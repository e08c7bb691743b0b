"""edgecnn tune"""

import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no earlier search be found."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_search_is_shown_and_drawn(edgecnn, model: Path, data_root: Path, tmp_path: Path) -> None:
    picture = tmp_path / "front.png"
    called = edgecnn(
        "tune", model, "-o", tmp_path / "t.onnx", "--picture", picture, "--seconds", "0.05", "--no-test",
        "--data-root", data_root,
    )  # fmt: skip
    assert called.code == 0, called.err
    assert "latency of one image over the parent's" in called.out
    assert "int8-static" in called.out
    assert f"{picture}: the picture" in called.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_has_the_variants_and_the_limits(edgecnn, model: Path, data_root: Path, tmp_path: Path) -> None:
    called = edgecnn(
        "tune", model, "-o", tmp_path / "t.onnx", "--seconds", "0.05", "--objective", "size", "--max-memory", "900",
        "--max-drop-pp", "5", "--data-root", data_root, "--json",
    )  # fmt: skip
    found = json.loads(called.out)
    assert called.code == 0
    assert found["limits"] == {"max_drop_pp": 5, "max_size_bytes": None, "max_peak_bytes": 900_000_000}
    assert found["variants"][0]["verdict"] == "parent"
    assert found["preferred"] in found["variants"]


def test_limits_that_nothing_meets_are_a_failed_check(edgecnn, model: Path, data_root: Path, tmp_path: Path) -> None:
    called = edgecnn("tune", model, "-o", tmp_path / "t.onnx", "--max-size", "10", "--seconds", "0.05",
                     "--data-root", data_root)  # fmt: skip
    assert called.code == 1
    assert "nothing is within the limits" in called.err
