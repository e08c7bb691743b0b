"""What do the commands write outside their outputs, and whom do they ask? Looked at, not promised: strace tells.

python tools/trace.py [--output FILE] [NAME...]

Runs each command in a folder of its own, with a home and a temporary folder of its own, and lists the system calls that
write, connect, send or listen. A table on standard output, JSON with --output. The last row is the control: ONNX
Runtime with its reports switched on again, which has to be seen. Exit code 1 where something was written outside or
somebody was asked, or the control was not seen. Needs Linux and strace.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

MAKES = "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod"
ASKS = ("connect", "sendto", "sendmsg", "sendmmsg")
CALLS = ",".join((MAKES, "bind", *ASKS))
CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?")
UNFINISHED = re.compile(r"^(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC)")
SYSTEM = ("/dev/null", "/dev/tty", "/dev/ptmx", "/proc/", "/dev/pts/")
# Other packages' own: the first are in the home, or in the temporary folder.
CACHES = ("data", ".cache/matplotlib", ".config/matplotlib", ".cache/fontconfig", ".npm")
BYTECODE, INDUCTOR, FONTS = "__pycache__", "torchinductor_", "/var/cache/fontconfig"
UNIX, NAME_SERVER = "unix:", "the name server"
# ONNX Runtime reports nothing from a build server, which it knows by these: with them the control has nothing to see.
BUILD_SERVER = (
    "CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "CODEBUILD_BUILD_ID",
    "BUILDKITE", "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_BUILD_NUMBER",
)  # fmt: skip
ENDS = (0, 1, 3, 130)  # done, a verdict on a small model, stopped by Ctrl-C
LIVES_S = 15  # ONNX Runtime asks its host after some seconds
PATIENCE_S = 300
CONTROL = "control: ORT_DISABLE_TELEMETRY=0"
MODEL = "mnist-compact"
EDGECNN = (sys.executable, "-m", "edgecnn_cli")
LIVE = f"import edgecnn, time; edgecnn.load({MODEL!r}); time.sleep({LIVES_S})"
PORT = "8765"
SERVE = """
import sys
from pathlib import Path
from edgecnn.web import server
server.BUILT = Path(sys.argv.pop(1))
sys.argv[1:1] = ["web"]
from edgecnn_cli.__main__ import run
run()
"""
QUICK = ("--epochs", "1", "--set", "data.subset=200", "--set", "data.validation=50")


@dataclass(frozen=True)
class Seen:
    """What one command did. ``written`` and ``scratch`` (gone again at its end) are counts, the others are listed;
    ``local`` are sockets of this machine, by which the C library asks for users and names."""

    name: str
    command: str
    exit_code: int
    written: int
    scratch: int
    caches: list[str]
    outside: list[str]
    listened: list[str]
    local: list[str]
    asked: list[str]

    @property
    def clean(self) -> bool:
        return not self.outside and not self.asked


@dataclass(frozen=True)
class Place:
    """Where the commands run: ``here`` has their outputs, ``home`` and ``temporary`` are empty at first."""

    folder: Path

    @property
    def here(self) -> Path:
        return self.folder / "here"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def environment(self) -> dict[str, str]:
        """Return this process' environment in that place, without a word on ONNX Runtime's reports or build servers."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "ORT_", "MPL")) and name not in BUILD_SERVER
        }
        return kept | {
            "HOME": str(self.home), "TMPDIR": str(self.temporary), "EDGECNN_DATA": str(self.home / "data"),
        }  # fmt: skip


Wait = Callable[["subprocess.Popen[bytes]"], None]


def trace(name: str, command: tuple[str, ...], place: Place, *, until: Wait | None = None, **variables: str) -> Seen:
    """Run a command under strace and sort what it did. ``until`` is for those that only a signal ends."""
    log = place.folder / "strace.log"
    watched = ["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log)]
    with (place.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [*watched, *command], cwd=place.here, env=place.environment() | variables, stdout=output, stderr=output
        )
        try:
            if until is not None:
                until(process)
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
    return _sorted_out(name, command, code, log.read_text(errors="replace"), place)


def _sorted_out(name: str, command: tuple[str, ...], code: int, log: str, place: Place) -> Seen:
    written, asked, listened, local = set(), set(), set(), set()
    for call, arguments, result, opened in _calls(log):
        if call in ASKS:
            if address := _address(arguments):
                (local if address.startswith(UNIX) else asked).add(address)
        elif call == "bind":
            if address := _address(arguments):
                listened.add(address)
        elif result >= 0 and (not call.startswith("open") or WRITES.search(arguments)):
            written.add(_path(arguments, opened, place.here))
    paths = {path for path in written if not path.startswith(SYSTEM)}
    inside = {path for path in paths if Path(path).is_relative_to(place.here)}
    caches = {path: cache for path in paths - inside if (cache := _cache(Path(path), place.home))}
    scratch = {path for path in paths - inside - caches.keys() if not os.path.lexists(path)}
    above = {str(place.home / parent) for cache in CACHES for parent in Path(cache).parents}
    outside = {_shortened(path, place) for path in paths - inside - caches.keys() - scratch - above}
    return Seen(
        name=name,
        command=shown(command),
        exit_code=code,
        written=len(inside),
        scratch=len(scratch),
        caches=sorted(set(caches.values())),
        outside=sorted(outside),
        listened=sorted(listened),
        local=sorted(local),
        asked=sorted(asked),
    )


def _cache(path: Path, home: Path) -> str | None:
    """Return which cache a path lies in: one of the home's, Python's, PyTorch's, the system's of fonts, or none."""
    if BYTECODE in path.parts:
        return BYTECODE
    if any(part.startswith(INDUCTOR) for part in path.parts):
        return f"$TMPDIR/{INDUCTOR}*"
    if path.is_relative_to(FONTS):
        return FONTS
    return next((f"~/{cache}" for cache in CACHES if path.is_relative_to(home / cache)), None)


def _calls(log: str) -> Iterator[tuple[str, str, int, str | None]]:
    """Yield (name, arguments, result, path of the descriptor it returned), calls that were interrupted joined."""
    pending: dict[tuple[str, str], str] = {}
    for line in log.splitlines():
        if found := UNFINISHED.match(line):
            pending[found[1], found[2]] = found[3]
            continue
        if found := RESUMED.match(line):
            line = f"{found[1]} {found[2]}({pending.pop((found[1], found[2]), '')}{found[3]}"
        if found := CALL.match(line):
            yield found[1], found[2], int(found[3]), found[4]


def _address(arguments: str) -> str | None:
    """Return whom a call names, or None where it names nobody: a connection that is there, a netlink question."""
    if found := re.search(r"sa_family=AF_UNIX, sun_path=@?\"([^\"]*)\"", arguments):
        return f"{UNIX}{found[1]}"
    if found := re.search(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|AF_INET6, )\"([^\"]+)\"", arguments):
        return NAME_SERVER if found[1] == "53" else f"{found[2]}:{found[1]}"
    return None


def _path(arguments: str, opened: str | None, here: Path) -> str:
    """Return the path that a call made: the descriptor's, or the last one of its arguments."""
    if opened and opened.startswith("/"):
        return opened.removesuffix(" (deleted)")
    names = QUOTED.findall(arguments)
    return os.path.normpath(here / names[-1]) if names else arguments


def _shortened(path: str, place: Place) -> str:
    """Return a path with the folders of this run by their names."""
    return path.replace(str(place.home), "~").replace(str(place.temporary), "$TMPDIR")


def shown(command: tuple[str, ...]) -> str:
    """Return a command as a user types it."""
    words = ["edgecnn", *command[len(EDGECNN) :]] if command[: len(EDGECNN)] == EDGECNN else list(command)
    return " ".join(Path(word).name if word.startswith("/") else word for word in words)


def _browse(process: "subprocess.Popen[bytes]") -> None:
    """Ask the page's server for its model, as a browser would, then end it as Ctrl-C does."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{PORT}/model.onnx") as answer:
            answer.read()
            break
        time.sleep(0.2)
    _interrupt(process)


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGINT)


def commands(place: Place) -> Iterator[Seen]:
    """Run everything, in the order that a user would."""
    run, model = "run", "digits.onnx"
    stages = {
        "train": ("train", "digits-compact", "-o", run, *QUICK),
        "export": ("export", run, "-o", model),
        "quantize": ("quantize", model, "-o", "digits-int8.onnx"),
        "verify": ("verify", run, model),
        "bench": ("bench", model, "--batch", "1", "--seconds", "0.2"),
        "predict": ("predict", MODEL, "picture.png"),
        "inspect": ("inspect", model),
        "selftest": ("selftest", MODEL),
        "doctor": ("doctor",),
        "list": ("list", "models"),
        "webcam": ("webcam", "digits-webcam", "--source", "picture.png", "--no-display"),
        "study": ("study", "study.toml", "--jobs", "2", "--set", "epochs=1", *QUICK[2:]),
    }
    (place.here / "study.toml").write_text('recipe = "digits-compact"\n[grid]\nbatch_size = [32, 64]\n')
    _draw(place.here / "picture.png")
    for name, words in stages.items():
        yield trace(name, (*EDGECNN, *words), place)
    yield trace(
        "web",
        (sys.executable, "-c", SERVE, str(_page(place)), MODEL, "--port", PORT, "--no-open"),
        place,
        until=_browse,
    )
    yield from _projects(place)
    yield trace(f"a process that lives {LIVES_S} s", (sys.executable, "-c", LIVE), place)
    yield trace(CONTROL, (sys.executable, "-c", LIVE), place, ORT_DISABLE_TELEMETRY="0")


def _draw(path: Path) -> None:
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)


def _page(place: Place) -> Path:
    """Return the folder of the built page, or of a page that is nothing but there."""
    from edgecnn.web.server import BUILT

    if (BUILT / "index.html").exists():
        return BUILT
    page = place.folder / "page"
    page.mkdir(exist_ok=True)
    (page / "index.html").write_text("<title>page</title>")
    return page


def _projects(place: Place) -> Iterator[Seen]:
    """Generate projects and run their self-tests; Node's packages are installed before it is watched."""
    yield trace("embed", (*EDGECNN, "embed", MODEL, "--to", "python", "-o", "app"), place)
    yield trace("a Python project", (sys.executable, "app/selftest.py"), place)
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return
    subprocess.run([*EDGECNN, "embed", MODEL, "--to", "node", "-o", "node"], cwd=place.here, check=True)
    installed = [npm, "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    if subprocess.run(installed, cwd=place.here / "node", check=False).returncode == 0:
        yield trace("a Node project", (node, "node/selftest.js"), place)


def main() -> None:
    """Trace what was asked for, print the table, and leave with 1 where it is not what it should be."""
    parser = argparse.ArgumentParser(description="Trace what the commands write and whom they ask.")
    parser.add_argument("--output", type=Path, help="a JSON file for what was seen")
    options = parser.parse_args()
    if sys.platform != "linux" or shutil.which("strace") is None:
        sys.exit("needs Linux and strace")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve())
        for part in (place.here, place.home, place.temporary):
            part.mkdir()
        seen = []
        for row in commands(place):
            seen.append(row)
            print(line(row), flush=True)
    if options.output:
        options.output.write_text(json.dumps(document(seen), indent=1) + "\n")
    *rows, control = seen
    sys.exit(0 if all(row.clean and row.exit_code in ENDS for row in rows) and not control.clean else 1)


def line(seen: Seen) -> str:
    """Return a command's row for the terminal."""
    found = [
        f"{what}: {', '.join(values)}" for what, values in asdict(seen).items() if isinstance(values, list) and values
    ]
    return f"{seen.name:32} exit code {seen.exit_code:3}  {'; '.join(found) or 'nothing outside, nobody asked'}"


def document(seen: list[Seen]) -> dict[str, object]:
    """Return what docs/results/reliability.md is made from."""
    from edgecnn.runtime.engine import onnxruntime

    return {
        "command": "python tools/trace.py --output docs/records/reliability/trace.json",
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"onnxruntime {onnxruntime().__version__}",
        "date": datetime.now(UTC).date().isoformat(),
        "rows": [asdict(row) for row in seen],
    }


if __name__ == "__main__":
    main()
