"""The command as a whole: its sub-commands, help, version, and how errors leave it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from edgecnn_cli.main import COMMANDS

import edgecnn as package

NEITHER = "no file and no model of the zoo named 'none.onnx'; the zoo has .*mnist-compact"


def test_has_these_commands() -> None:
    assert tuple(COMMANDS) == (
        "data", "train", "study", "export", "adopt", "quantize", "tune", "evaluate", "verify", "bench", "predict",
        "read", "report", "leaderboard", "inspect", "audit", "explain", "selftest", "embed", "webcam", "web", "list",
        "doctor", "demo",
    )  # fmt: skip


def test_shows_its_version(edgecnn) -> None:
    assert edgecnn("--version").out == f"edgecnn {package.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(edgecnn, command: str) -> None:
    assert f"Example: edgecnn {command}" in edgecnn(command, "--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json(edgecnn, command: str) -> None:
    assert "--json" in edgecnn(command, "--help").out


@pytest.mark.parametrize(
    "command", ["data", "train", "study", "export", "quantize", "evaluate", "verify", "demo", "list"]
)
def test_every_command_that_reads_data_has_a_data_root(edgecnn, command: str) -> None:
    assert "--data-root" in edgecnn(command, "--help").out


HEAVY = ("numpy", "torch", "onnx", "onnxruntime", "cv2", "PIL", "sklearn", "scipy", "matplotlib")
LOADED = f"""
import sys
from edgecnn_cli.__main__ import run
sys.argv[0] = "edgecnn"
try: run()
except SystemExit: pass
print("loaded:", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("train", "--help"), ("webcam", "--help")])
def test_help_imports_neither_numpy_nor_an_engine(arguments: tuple[str, ...]) -> None:
    shown = subprocess.check_output([sys.executable, "-c", LOADED, *arguments], text=True)
    assert "edgecnn" in shown
    assert shown.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("edgecnn ex", "export"),
        ("edgecnn train digits-", "digits-compact"),
        ("edgecnn predict mnist-", "mnist-compact"),
        ("edgecnn quantize mnist-c1 --method ", "static"),
        ("edgecnn bench mnist-c1 --provider ", "cpu"),
    ],
)
def test_completion_imports_neither_numpy_nor_an_engine(words: str, offered: str) -> None:
    asked = {"_EDGECNN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    shown = subprocess.check_output([sys.executable, "-c", LOADED], text=True, env=os.environ | asked)
    assert offered in shown.splitlines()
    assert shown.splitlines()[-1] == "loaded:"


def test_control_c_while_it_loads_is_no_traceback(process, tmp_path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    result = process(env={"PYTHONPATH": str(tmp_path), "PATH": ""})
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_a_missing_extra_is_named_with_its_command(process, tmp_path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    result = process("export", tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": ""})
    assert result.returncode == 2
    assert "pip install 'edgecnn[train]'" in result.stderr


# What the extra "train" brings and a device does not have, with what comes along.
TRAINING = ("torch", "torchvision", "onnx", "onnxscript", "safetensors", "sklearn", "scipy", "matplotlib", "cv2")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder which, first on the path, makes packages of the extra "train" missing."""
    folder = tmp_path_factory.mktemp("device")
    for name in TRAINING:
        missing = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')"
        (folder / f"{name}.py").write_text(missing)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "models"),
        ("list", "providers"),
        ("doctor",),
        ("selftest", "mnist-c1"),
        ("selftest", "digit-finder"),
        ("bench", "mnist-c1", "--seconds", "0.1"),
        ("embed", "digit-finder", "--to", "python", "-o", "app"),
    ],
    ids=" ".join,
)
def test_a_device_needs_nothing_of_training(process, tmp_path: Path, device: Path, arguments: tuple[str, ...]) -> None:
    result = process(*arguments, cwd=tmp_path, env={"PYTHONPATH": str(device)})
    assert result.returncode == 0, result.stderr


def test_what_the_system_refuses_is_told_without_a_traceback(process, tmp_path) -> None:
    (tmp_path / "file").touch()
    result = process("embed", "mnist-c1", "--to", "c", "-o", tmp_path / "file" / "app")
    assert result.returncode == 2
    assert f"error: {tmp_path / 'file'}" in result.stderr
    assert "Traceback" not in result.stderr


CLOSED = "error: standard output"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("list", "recipes"), ("list", "recipes", "--json"), ("--version",)])
def test_an_output_that_is_full_closed_or_no_longer_read_is_an_error(arguments: tuple[str, ...]) -> None:
    command = shlex.join([sys.executable, "-m", "edgecnn_cli", *arguments])
    for redirected in (f"{command} > /dev/full", f"{command} >&-", f"{{ sleep 1; {command}; }} | true"):
        script = ["bash", "-c", f"{redirected}; exit ${{PIPESTATUS[0]}}"]
        result = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 2, (redirected, result.stderr)
        assert result.stderr.startswith(CLOSED), redirected
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "mnist-c9"], "no recipe 'mnist-c9'; there is .*Did you mean 'mnist-c"),
        (["train", "missing.toml"], "missing.toml: no such file; expected a recipe in TOML"),
        (["train", "digits-compact", "--set", "optimizer.name=adm"], "'adm'; allowed: sgd, .*Did you mean 'adam'"),
        (["train", "digits-compact", "--set", "epochs"], "--set takes KEY=VALUE"),
        (["train", "digits-compact", "--set", "epoch=3"], "unknown key epoch; allowed: .*Did you mean 'epochs'"),
        (["train", "digits-compact", "--epochs", "0"], "epochs is 0"),
        (["train", "digits-compact", "--device", "cuda"], "finds no CUDA device"),
        (["train", "digits-compact", "--data", "mnst"], "no data set 'mnst'.*Did you mean 'mnist'"),
        (["train", "digits-compact", "--data", "folder:nowhere"], "folder:nowhere: no such folder"),
        (["train", "digits-compact", "--data", "none.npz"], "none.npz: no such file"),
        (["study", "b-mnst"], "no study 'b-mnst'; there is .*Did you mean 'b-mnist'"),
        (["study", "b-mnist", "--seeds", "one"], "'one' is not a list of positive integers"),
        (["study", "b-mnist", "--set", "seed=1"], "Use seeds, or --seeds 0,1,2"),
        (["study", "b-mnist", "--seeds=-1"], "seed is -1"),
        (["study", "b-mnist", "--jobs", "0"], "--jobs 0: expected a positive integer"),
        (["export", "nowhere"], "nowhere: no such"),
        (["quantize", "none.onnx"], NEITHER),
        (["verify", "none.onnx", "none.onnx"], NEITHER),
        (["bench", "none.onnx"], NEITHER),
        (["inspect", "none.onnx"], NEITHER),
        (["selftest", "none.onnx"], NEITHER),
        (["predict", "none.onnx", "x.png"], NEITHER),
        (["selftest", "mnist-compct"], "the zoo has .*mnist-compact.* Did you mean 'mnist-compact'"),
        (["quantize", "x.onnx", "--seconds", "nan"], "greater than or equal to 0.01"),
        (["quantize", "x.onnx", "--seconds", "-1"], "greater than or equal to 0.01"),
        (["bench", "x.onnx", "--seconds", "inf"], "inf is no"),
        (["verify", "a.onnx", "b.onnx", "--max-drop-pp", "nan"], "nan is no"),
        (["study", "e-learning-rates", "--set", "optimizer.learning_rate=0.5"], "what its runs differ in"),
        (["train", "digits-compact", "--set", "optimizer.momentum=0.9"], "momentum belongs to sgd"),
        (["train", "digits-compact", "--set", "schedule.step_at=[0.5]"], "step_at and name"),
        (["train", "digits-compact", "--set", "preprocess.mean=[nan]"], "preprocess.mean"),
        (["train", "digits-compact", "--set", "name=../escaped"], "name is '../escaped'"),
        (["predict", "mnist-c1", "x.png", "--csv", "--json"], "exclude each other"),
        (["list", "cats"], "'cats' is not one of"),
        (
            ["quantize", "x.onnx", "--method", "magic"],
            "no form 'magic'; there is dense, fp16, mixed, static, static-full, or auto",
        ),
        (["quantize", "x.onnx", "--method", "statik"], "no form 'statik'; .* Did you mean 'static'"),
        (["predict", "x.onnx", "x.png", "--provider", "openvno"], "no provider 'openvno'; .*Did you mean 'openvino'"),
        (["embed", "x.onnx", "--to", "brwser", "-o", "app"], "no target 'brwser'; there is .*Did you mean 'browser'"),
        (["verify", "a.onnx", "b.onnx", "--split", "train"], "'train' is not one of"),
        (["bench", "a.onnx", "--batch", "one"], "'one' is not a list of positive integers"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_misuse_is_told_and_leaves_with_2(edgecnn, tmp_path, monkeypatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = edgecnn(*arguments)
    assert result.code == 2
    assert re.search(message, _unboxed(result.err))
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


def _unboxed(text: str) -> str:
    """Join what a narrow terminal has broken into lines inside a frame."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())
