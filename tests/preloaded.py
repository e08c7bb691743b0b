"""The command in processes whose imports are done: a server that has imported everything forks one for each call.

Importing PyTorch and the exporter takes seconds, and tests that play transcripts call the command a hundred times. A
call through ``edgecnn`` in the folder that ``serving`` yields is the same entry point in a process of its own, with the
caller's arguments, folder, environment and open files; what differs is that modules are there already, and that
latency is measured for a moment. That modules are imported when they are needed is tested by those that start Python
(``process`` in tests/cli).
"""

import array
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

IMPORTED = (
    *("torch", "torchvision", "onnx", "onnxscript", "onnxruntime"),
    *("sklearn.metrics", "scipy.stats", "matplotlib.figure"),
)
SHIM = """#!{python} -IS
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
said = json.dumps([["edgecnn", *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()
files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
server.sendmsg([len(said).to_bytes(8, "big")], files)
server.sendall(said)
sys.exit(int(server.recv(8) or b"1"))
"""


@contextlib.contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield a folder with the command ``edgecnn``, whose modules are those that ``environment`` leads to."""
    folder.mkdir(parents=True, exist_ok=True)
    address = str(folder / "server")
    shim = folder / "edgecnn"
    shim.write_text(SHIM.format(python=sys.executable, address=address), encoding="utf-8")
    shim.chmod(0o755)
    command = [sys.executable, __file__, address]
    with subprocess.Popen(command, env={**environment}, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield folder
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Import what commands need, then fork a process for each call."""
    import importlib

    for name in ("edgecnn_cli.__main__", "edgecnn_cli.main", *IMPORTED):
        importlib.import_module(name)
    _warm_up()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                _answer(connection)
            connection.close()
            _reap()


def _warm_up() -> None:
    """Let PyTorch make what its optimizers and its exporter make when they are first used, on this thread alone."""
    import torch
    from brief import measure_briefly
    from exporting import make_table_once

    measure_briefly()
    make_table_once()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten()).eval()
    torch.optim.AdamW(network.parameters())
    torch.onnx.export(network, (torch.zeros(2, 1, 4, 4),), dynamo=True, verbose=False)
    torch.set_num_threads(threads)
    gc.freeze()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(connection: socket.socket) -> None:
    """Be the process between: wait for the command, which has one of its own, and hand on how it ended."""
    head, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    files = array.array("i", ancillary[0][2]).tolist()
    said = b""
    while len(said) < int.from_bytes(head, "big"):
        said += connection.recv(1 << 16)
    child = os.fork()
    if not child:
        _run(*json.loads(said), files)
    threading.Thread(target=_kill_when_left, args=(connection, child), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(str(status if status >= 0 else 128 - status).encode())
    os._exit(0)


def _kill_when_left(connection: socket.socket, child: int) -> None:
    if not connection.recv(1):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _run(arguments: list[str], folder: str, environment: dict[str, str], files: list[int]) -> None:
    import torch
    from edgecnn_cli.__main__ import run

    torch.set_num_threads(torch.get_num_threads())  # makes the pool that a fork leaves behind, before two threads do
    code = 1
    try:
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = arguments
        run()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
