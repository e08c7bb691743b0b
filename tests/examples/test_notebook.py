"""The notebook runs from top to bottom, and is committed without what it printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook" / "path.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]

# Runs each cell as a kernel would, in one namespace, then says what was made.
KERNEL = """
import json, sys
import brief
brief.measure_briefly()
names = {"__name__": "__main__"}
for number, cell in enumerate(json.load(sys.stdin)):
    exec(compile(cell, f"<cell {number}>", "exec"), names)
figures = len(names["plt"].get_fignums())
print(json.dumps({
    "figures": figures, "epochs": len(names["rows"]), "preferred": str(names["PREFERRED"]),
    "accuracy": names["comparison"].candidate.accuracy, "mistakes": len(names["mistakes"]),
    "tested": len(names["everything"]), "measured": len(names["measured"].contenders),
}))
"""


def test_is_committed_without_outputs() -> None:
    ran = [cell["id"] for cell in CELLS if cell.get("outputs") or cell.get("execution_count")]
    assert ran == [], "clear the outputs: jupyter nbconvert --clear-output --inplace path.ipynb"


@pytest.mark.slow
def test_runs_from_top_to_bottom(tmp_path: Path, data_root: Path) -> None:
    environment = os.environ | {
        "EPOCHS": "3", "EDGECNN_DATA": str(data_root), "TMPDIR": str(tmp_path), "MPLBACKEND": "agg",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", KERNEL],
        input=json.dumps(CODE), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    made = json.loads(result.stdout.splitlines()[-1])
    assert made["epochs"] == 3
    assert made["figures"] == 5 if made["mistakes"] else 4
    assert made["measured"] == len({"run", "digits.onnx", Path(made["preferred"]).name})  # it may be the parent
    assert made["accuracy"] > 0.3
    assert made["tested"] == 359
    assert made["mistakes"] == round((1 - made["accuracy"]) * made["tested"])
    assert Path(made["preferred"]).is_relative_to(tmp_path)
    assert Path(made["preferred"]).is_file()
