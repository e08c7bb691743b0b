"""What edgecnn verify --on ray refuses, each time before Ray is started."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edgecnn.bulk.ray_pool.answering", lambda *asked: pytest.fail("Ray was to be started"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--on", "ray"), "--on ray needs --data, tar:PATH or parquet:PATH, and goes without --weights and --split."),
        (("--on", "ray", "--data", "tar:x", "--split", "validation"), "--on ray needs --data"),
        (("--on", "ray", "--data", "tar:x", "--weights", "x.pth"), "--on ray needs --data"),
        (("--on", "ray", "--data", "mnist"), "mnist: workers read archives and tables alone;"),
        (("--on", "ray", "--data", "tar:x"), "x: not a tar archive that can be read"),
        (("--on", "ray://", "--data", "tar:x"), "'ray://' names no Ray; expected ray, or ray://HOST:PORT of a"),
        (("--on", "spark", "--data", "tar:x"), "'spark'"),
    ],
)
def test_what_cannot_be_is_refused(edgecnn, options: tuple[str, ...], said: str) -> None:
    result = edgecnn("verify", "mnist-c1", "mnist-small", *options)
    assert (result.code, result.out) == (2, "")
    assert said in " ".join(result.err.split())
