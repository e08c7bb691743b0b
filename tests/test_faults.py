"""A small share of tools/faults.py: killed, on a full disk, where nothing can be written, without its input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "faults.py"
SCRIPT = """
import importlib.util, json, random, shutil, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("faults", sys.argv[1])
faults = importlib.util.module_from_spec(spec)
sys.modules["faults"] = faults
spec.loader.exec_module(faults)
faults.warm_up()
bench = faults.Bench(Path(sys.argv[2]))
shutil.copytree(sys.argv[3], bench.inputs / "run")
shutil.copy(sys.argv[4], bench.inputs / "model.onnx")
shutil.copytree(sys.argv[5], bench.data)
moment, seen = random.Random(0), {}
for name in sys.argv[6:]:
    stage = faults.STAGES[name]
    bench.fresh(stage)
    ended = bench.run(stage)
    assert faults.is_done(stage, ended), ended
    bench.whole[stage.words[0]] = bench.made()
    there, made = faults._sizes(bench, stage)
    tries = {
        "killed": lambda: faults.kill(bench, stage, moment, ended.seconds),
        "full": lambda: faults.full(bench, stage, there + made // 2, temporary=False),
        "read-only": lambda: faults.read_only(bench, stage),
        "vanished": lambda: faults.vanished(bench, stage, moment, ended.seconds),
        "output": lambda: faults.output(bench, stage),
    }
    for what, attempt in tries.items():
        try:
            outcome = attempt()
        except faults.NotTried as reason:
            outcome = f"not tried: {reason}"
        seen[f"{name}, {what}"] = [outcome, faults.is_good(outcome)]
print(json.dumps(seen))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and mounts as Linux does")
def test_stages_survive_each_kind_of_fault(tmp_path: Path, run: Path, model: Path, data_root: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    command = [sys.executable, "-c", SCRIPT, TOOL, place, run, model, data_root, "embed", "export"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert {what: outcome for what, (outcome, good) in seen.items() if not good} == {}
    if shutil.which("mount") is None:
        pytest.skip("the full disk and the read-only folder need mounts")
