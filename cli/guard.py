"""Commands that open strangers' files run in a process of their own: what crashes a parser there is an error here.

ONNX Runtime, onnx and the decoders of pictures are C and C++. A file that makes one of them write where it must not, or
ask for all memory, would end the command without a word; so on Linux ``predict``, ``inspect``, ``adopt`` and ``web``
are forked off before anything is imported, may have three quarters of the memory, and are waited for. Elsewhere they
run as the others do.
"""

import os
import signal
import sys

GUARDED = ("predict", "inspect", "adopt", "web")
LIMITED = "cpu"  # other providers reserve address space by the hundred gigabytes
FORWARDED = (signal.SIGINT, signal.SIGTERM)
LEAST_BYTES, SHARE = 2_000_000_000, 0.75
PATIENCE_S = 5.0  # from a signal to the end, before a library that does not listen is ended
KILLED_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl


def supervise(arguments: list[str]) -> None:
    """Return at once where there is nothing to guard; else in the new process, and end this one with its exit code."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    if command not in GUARDED or not sys.platform.startswith("linux"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, signal.SIGCHLD))
    child = os.fork()
    if child:
        sys.exit(_code_of(child, command))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _die_with_parent()
    if _provider(arguments) == LIMITED:
        _limit_memory()


def _provider(arguments: list[str]) -> str:
    """Return the provider that is asked for, by the one option that is read before anything is imported."""
    for place, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option == "--provider":
            return value or "".join(arguments[place + 1 : place + 2])
    return LIMITED


def _code_of(child: int, command: str) -> int:
    """Wait for a process, hand on what it is told to do, and return its exit code; say so where it crashed."""
    told: signal.Signals | None = None
    while True:
        patience_s = PATIENCE_S if told else 3_600.0
        found = signal.sigtimedwait((*FORWARDED, signal.SIGCHLD), patience_s)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if found is None and told:
            os.kill(child, signal.SIGKILL)
        elif found is not None and found.si_signo in FORWARDED:
            told = signal.Signals(found.si_signo)
            if found.si_code <= 0:  # by another process; what a terminal sends reaches the child as well
                os.kill(child, told)
    if told and os.WIFSIGNALED(status):
        return 128 + told
    if os.WIFSIGNALED(status):
        return _crashed(signal.Signals(os.WTERMSIG(status)), command)
    return os.waitstatus_to_exitcode(status)


def _crashed(how: signal.Signals, command: str) -> int:
    likely = "One of the files is broken, or made to do this; ask for fewer at a time to see which."
    if how == signal.SIGKILL:
        likely = "The system may have ended it for want of memory; ask for fewer or smaller files at a time."
    said = f"error: edgecnn {command} ended by {how.name}: a library crashed on what it was given. {likely}"
    print(said, file=sys.stderr)
    return 2


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(KILLED_WITH_PARENT, signal.SIGKILL)


def _limit_memory() -> None:
    import resource

    from edgecnn.runtime.memory import memory_bytes

    wanted = max(LEAST_BYTES, int(memory_bytes() * SHARE))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
