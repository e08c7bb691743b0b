"""The documentation runs: README blocks, and the commands' page is what the commands say."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_commands_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == generate.page(), "run: make docs"


@pytest.mark.slow
def test_the_readme_runs(tmp_path: Path, data_root: Path) -> None:
    """Every block that a reader may copy, in one folder, in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(console|python)\n(.*?)```", readme, re.S)
    assert len(blocks) >= 8
    environment = {
        "EDGECNN_DATA": str(data_root), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path),
    }  # fmt: skip
    for kind, text in blocks:
        if kind == "python":
            script = [sys.executable, "-W", "error", "-c", text]
        else:
            commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
            script = ["bash", "-euo", "pipefail", "-c", "\n".join(commands)]
        result = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
