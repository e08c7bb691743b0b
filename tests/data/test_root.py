"""Data sets lie where the caller says, else where the environment says, else in the platform's cache."""

from pathlib import Path

import platformdirs
import pytest

from edgecnn.data import data_root


def test_what_is_given_comes_first(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGECNN_DATA", "/elsewhere")
    assert data_root(tmp_path) == tmp_path


def test_the_environment_comes_second(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGECNN_DATA", str(tmp_path))
    assert data_root() == tmp_path


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_otherwise_it_is_the_cache_of_the_platform(monkeypatch, value: str | None) -> None:
    monkeypatch.delenv("EDGECNN_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("EDGECNN_DATA", value)
    assert data_root() == Path(platformdirs.user_cache_dir("edgecnn"))


def test_asking_makes_no_folder(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGECNN_DATA", str(tmp_path / "new"))
    assert not data_root().exists()
