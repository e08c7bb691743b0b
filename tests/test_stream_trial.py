"""The trial of pictures that stay in their files: what it draws, what fails it, its page, and the program on a few."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from programs import ROOT, program

from edgecnn import data, documents
from edgecnn.errors import CheckFailed
from edgecnn.machine.environment import environment


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    """The program of the page, which has the trial's beside it."""
    before = [*sys.path]
    yield program("tools/docs/stream_page.py")
    sys.path[:] = before


@pytest.fixture(scope="module")
def tool(page: ModuleType) -> ModuleType:
    return sys.modules["stream_trial"]


MB = 1_000_000


@pytest.fixture
def trial(tool: ModuleType) -> Any:
    """A trial in which all is as it has to be."""

    def ran(code: int, above: int, said: str = "") -> Any:
        start, peak = tool.Memory(500 * MB, 200 * MB), tool.Memory(500 * MB + 2 * above, 200 * MB + above)
        return tool.Ran(code, said, 60.0, start, peak)

    def arm(form: str, place: str, keys: str) -> Any:
        digests = {"best.safetensors": form * 20, "last.safetensors": form * 20}
        runs = (ran(0, 180 * MB), ran(0, 300 * MB), ran(130, 200 * MB), ran(0, 250 * MB))
        return tool.Arm(form, place, keys, *runs, 121, 240, digests, {**digests})

    arms = [
        arm(form, place, keys)
        for form, place, keys in (
            ("tar", tool.HERE, ""), ("parquet", tool.HERE, ""), ("tar", tool.THERE, "environment"),
            ("parquet", tool.THERE, "~/.aws"),
        )
    ]  # fmt: skip
    sizes = {"tar": 1_050 * MB, "parquet": 1_040 * MB}
    control, keyless = ran(0, 900 * MB), ran(2, 0, f"error: may not be read ({tool.KEYLESS}).")
    machine = environment()
    return tool.Trial(tool.WHOLE, 15_680, 480, sizes, arms, control, keyless, "moto 5", machine, "2026-01-01")


def test_a_trial_that_is_as_it_has_to_be_has_no_failures_and_survives_its_record(
    tool: ModuleType, trial: Any, page: ModuleType, tmp_path: Path
) -> None:
    assert tool.failures(trial) == []
    (tmp_path / "record.json").write_text(documents.to_json(trial))
    said = page.page(tmp_path / "record.json")
    row = "| tar, S3 | stopped after 121 of 240 batches | 500 MB (200) | 900 MB (400) | 400 MB | **200 MB** | 60 |"
    assert row in said
    assert "a process held at most 300 MB that are no file, and at most 120 MB more than with 480 pictures." in said
    assert "| tar, files | 480 pictures alone | 500 MB (200) | 860 MB (380) |" in said
    assert "parquet: the same weights to the end, stopped and resumed, from files and from S3, bit for bit" in said
    assert "of tar in the environment and of parquet in `~/.aws`" in said


def with_arm(trial: Any, **how: object) -> Any:
    return replace(trial, arms=[replace(trial.arms[0], **how), *trial.arms[1:]])


def test_what_is_not_as_it_has_to_be_fails(tool: ModuleType, trial: Any) -> None:
    first = trial.arms[0]
    large = replace(first.whole, peak=tool.Memory(1_100 * MB, 800 * MB))
    wrong = {
        "exit codes [0, 1, 0]": with_arm(trial, stopped=replace(first.stopped, code=1)),
        "other weights after": with_arm(trial, parted_sha256={}),
        "other weights than from S3": with_arm(trial, whole_sha256={}, parted_sha256={}),
        "stopped after batch 1 of 240": with_arm(trial, batches=1),
        "600 MB above the start": with_arm(trial, whole=large),
        "without a buffer: only 300 MB": replace(trial, control=trial.arms[0].whole),
        "without keys: exit code 0": replace(trial, keyless=replace(trial.control, code=0)),
        "tar: only 5 bytes": replace(trial, bytes_of={"tar": 5}),
    }
    assert [said for said, one in wrong.items() if not any(said in found for found in tool.failures(one))] == []


def test_other_weights_and_too_much_memory_stand_on_the_page(tool: ModuleType, trial: Any, page: ModuleType) -> None:
    assert "tar: **other weights**" in page.text(with_arm(trial, parted_sha256={}))
    large = replace(trial.arms[0].whole, peak=tool.Memory(1_100 * MB, 800 * MB))
    assert "held **at most** 600 MB" in page.text(with_arm(trial, whole=large))


def test_both_forms_hold_the_same_pictures_and_the_same_ones_each_time(tool: ModuleType, tmp_path: Path) -> None:
    plan = replace(tool.SMALL, units=1, unit=40, side=16)
    for folder in ("one", "two"):
        (tmp_path / folder / "tar").mkdir(parents=True)
        (tmp_path / folder / "tar" / "classes.txt").write_text("\n".join(tool.NAMES))
        for part, count in (("train", 40), ("val", 20), ("test", 20)):
            tool.draw(part, 0, count, plan, tmp_path / folder)
    names = ("one/tar", "one/parquet", "two/tar")
    tar, parquet, again = (data.read_whole(f"{name[4:]}:{tmp_path / name}", (16, 16), None) for name in names)
    assert [len(split) for split in (tar.train, tar.validation, tar.test)] == [40, 20, 20]
    for other in (parquet, again):
        assert np.array_equal(tar.train.images_nhwc, other.train.images_nhwc)
        named = [[split.names[label] for label in split.labels_n] for split in (tar.train, other.train)]
        assert named[0] == named[1]


def test_a_folder_with_another_plan_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    tool.Bench(tool.SMALL, tmp_path)
    with pytest.raises(CheckFailed, match="holds a trial of another plan"):
        tool.Bench(tool.WHOLE, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_program_trains_from_files_and_from_s3_and_writes_a_record(
    tool: ModuleType, page: ModuleType, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    command = [sys.executable, str(ROOT / "tools" / "stream_trial.py"), "--small"]
    command += ["--folder", str(tmp_path / "runs"), "-o", str(record)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended
    found = documents.read(tool.Trial, record)
    assert [(arm.form, arm.place) for arm in found.arms] == [("parquet", "files"), ("parquet", "S3")]
    assert all(len(arm.whole_sha256) == 2 and 0 < arm.batches < arm.of for arm in found.arms)
    assert all(0 < one.start.all < one.peak.all for arm in found.arms for one in arm.runs.values())
    assert tool.KEYLESS in found.keyless.said
    assert "the same weights to the end, stopped and resumed, from files and from S3" in page.page(record)
