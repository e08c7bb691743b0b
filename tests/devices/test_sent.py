"""What is sent to a device needs Python 3.9, numpy and onnxruntime there, and no file of edgecnn."""

import ast
import json
import subprocess
import sys
from importlib import resources

import pytest

from edgecnn.devices.connection import CODE, SENT, _program

LEAST = (3, 9)
THERE = {*sys.stdlib_module_names, "numpy", "onnxruntime", *(f"edgecnn.{name}" for name in SENT)}
NOT_ON_A_DEVICE = {"edgecnn.errors"}  # in a function that is not called there


def _text(name: str) -> str:
    room, _, module = name.partition(".")
    return resources.files(f"edgecnn.{room}").joinpath(f"{module}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SENT)
def test_it_is_written_for_that_python(name: str) -> None:
    ast.parse(_text(name), feature_version=LEAST)


@pytest.mark.parametrize("name", SENT)
def test_it_imports_nothing_else(name: str) -> None:
    found = set()
    for node in ast.walk(ast.parse(_text(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module.startswith("edgecnn")
            members = {f"{node.module}.{alias.name}" for alias in node.names} & THERE if inside else set()
            found |= members or {node.module if inside else node.module.partition(".")[0]}
    assert found - THERE - NOT_ON_A_DEVICE == set()


@pytest.mark.parametrize("name", SENT)
def test_it_keeps_off_what_later_pythons_have(name: str) -> None:
    """What a parser for 3.9 lets pass: keywords of functions, and unions of types that are no annotations."""
    for node in ast.walk(ast.parse(_text(name))):
        keywords = {keyword.arg for keyword in node.keywords} if isinstance(node, ast.Call) else set()
        assert not {"strict", "slots", "kw_only"} & keywords
        assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
                    and isinstance(node.args[1], ast.BinOp))  # fmt: skip


def test_it_runs_where_no_file_of_edgecnn_is() -> None:
    program = _program()
    asked = b"%d\n%s" % (len(program), program) + json.dumps({"do": "facts", "blobs": []}).encode() + b"\n"
    done = subprocess.run([sys.executable, "-S", "-B", "-c", CODE], input=asked, capture_output=True, check=True)
    hello, facts = map(json.loads, done.stdout.splitlines())
    assert set(hello["hello"]["missing"]) == {"numpy", "onnxruntime"}  # -S: without any package
    assert facts["threads_available"] >= 1
