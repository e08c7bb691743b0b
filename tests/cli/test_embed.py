"""edgecnn embed: what it says, and what it refuses."""

import json
from pathlib import Path


def test_says_what_to_do_next(edgecnn, tmp_path: Path) -> None:
    result = edgecnn("embed", "mnist-c1", "--to", "python", "-o", tmp_path / "app")
    assert result.code == 0
    assert f"{tmp_path / 'app'}: mnist-c1 (fp32) for python, README.md, card.json, classify.py" in result.out
    assert f"next: cd {tmp_path / 'app'} && pip install -r requirements.txt && python selftest.py" in result.out


def test_json(edgecnn, tmp_path: Path) -> None:
    told = json.loads(edgecnn("embed", "mnist-c1", "--to", "node", "-o", tmp_path / "app", "--json").out)
    assert told["selftest"] == ["npm install --ignore-scripts", "npm test"]
    assert told["files"] == sorted(path.name for path in (tmp_path / "app").iterdir())


def test_a_second_model_is_the_next_version(edgecnn, tmp_path: Path) -> None:
    edgecnn("embed", "mnist-c1", "--to", "triton", "-o", tmp_path / "app")
    told = json.loads(edgecnn("embed", "mnist-best", "--to", "triton", "-o", tmp_path / "app", "--json").out)
    config, model = (f"repository/mnist-c1/{name}" for name in ("config.pbtxt", "2/model.onnx"))
    assert told["files"] == ["cards/mnist-c1/2.json", model, config]
    assert told["selftest"][-1] == "python client.py selftest"


def test_what_is_in_the_way_stays(edgecnn, tmp_path: Path) -> None:
    (tmp_path / "ours").touch()
    result = edgecnn("embed", "mnist-c1", "--to", "python", "-o", tmp_path)
    assert result.code == 2
    assert "is a folder that is not empty, expected a new or an empty one" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_a_target_that_is_not_there(edgecnn, tmp_path: Path) -> None:
    result = edgecnn("embed", "mnist-c1", "--to", "rust", "-o", tmp_path / "app")
    assert result.code == 2
    assert "no target 'rust'; there is browser, c, c99, cpp, node, python, triton." in result.err
