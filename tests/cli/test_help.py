"""Help as it is read: its names whole at every width, and none of what it costs paid before it is needed."""

import re
import subprocess
import sys

import pytest
from edgecnn_cli.main import COMMANDS, loaded

WIDTHS = (60, 80, 120)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_name_of_help_is_folded(edgecnn, monkeypatch, command: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = edgecnn(command, "--help").out
    assert max(len(line) for line in shown.splitlines()) <= width
    (example,) = re.findall(r"Example: (.*(?:\n  \S.*)*)", shown)
    assert example.split() == re.search(r"Example: (.*)", loaded(command).help or "")[1].split()
    for parameter in loaded(command).params:
        for name in parameter.opts if parameter.param_type_name == "option" and not parameter.hidden else ():
            assert re.search(rf"(?<!\S){re.escape(name)}(?![\w-])", shown), name


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_commands_has_a_line_for_each(edgecnn, monkeypatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = edgecnn("--help").out.splitlines()
    assert max(len(line) for line in lines) <= width
    longest = max(map(len, COMMANDS))
    for command, summary in COMMANDS.items():
        assert f"  {command:{longest}}  {summary}" in lines


def test_the_help_loads_no_command_and_no_rich() -> None:
    script = (
        "import sys\nfrom edgecnn_cli.__main__ import run\nsys.argv = ['edgecnn', '--help']\n"
        "try: run()\nexcept SystemExit: pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('edgecnn_cli.', 'rich.', 'markdown'))))"
    )
    shown = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert shown.splitlines()[-1].split() == [f"edgecnn_cli.{name}" for name in ("__main__", "guard", "help", "main")]
