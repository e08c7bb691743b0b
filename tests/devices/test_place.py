"""What --on takes, and how it is read."""

import shlex

import pytest

from edgecnn.devices.kinds import ssh
from edgecnn.devices.place import Python, place_of
from edgecnn.errors import ConnectionLost, DeviceError
from edgecnn.registry import DEVICES


def test_finds_every_kind() -> None:
    assert DEVICES.names() == ("emulated", "ssh")


@pytest.mark.parametrize("name", DEVICES.names())
def test_the_example_of_a_kind_is_a_place(name: str) -> None:
    example = DEVICES.module(name).EXAMPLE
    assert place_of(example).name == example


@pytest.mark.parametrize(
    ("text", "host", "port", "python"),
    [
        ("ssh://box", "box", "", "python3"),
        ("ssh://pi@192.168.1.7:2222", "pi@192.168.1.7", "2222", "python3"),
        ("ssh://pi@box/opt/py/bin/python", "pi@box", "", "/opt/py/bin/python"),
        ("ssh://pi@box/~/edgecnn/bin/python", "pi@box", "", "edgecnn/bin/python"),
        ("ssh://pi@[fe80::1%eth0]:22", "pi@fe80::1%eth0", "22", "python3"),
    ],
)
def test_an_address_is_read(text: str, host: str, port: str, python: str) -> None:
    found = place_of(text)
    assert isinstance(found, ssh.Machine)
    assert (found.host, found.port, found.python) == (host, port, python)


@pytest.mark.parametrize(
    "text",
    [
        "box",
        "ssh:box",
        "ssh://",
        "ssh://pi:secret@box",
        "ssh://box:99999",
        "ssh://-oProxyCommand=x",
        "ssh://a b",
        "telnet://box",
        "ssh://-x@box",
        "ssh://$(reboot)",
        "ssh://pi@box;reboot",
    ],
)
def test_what_names_no_device_is_refused_with_one_that_does(text: str) -> None:
    with pytest.raises(DeviceError, match=r"expected .*ssh://"):
        place_of(text)


def test_the_path_of_a_python_is_one_word_to_the_shell_there() -> None:
    *_, line = place_of("ssh://box/my tools/py'thon; reboot").command("pass")
    assert shlex.split(line) == ["/my tools/py'thon; reboot", "-B", "-c", "pass"]


def test_nothing_is_asked_and_nothing_waits_for_ever() -> None:
    command = place_of("ssh://box:22").command("pass")
    for setting in ("BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"):
        assert command[command.index(setting) - 1] == "-o"
    assert command[-3:-1] == ["--", "box"]


@pytest.mark.parametrize(
    ("managed", "said"),
    [
        (False, "ssh -p 2222 pi@box /usr/bin/python3 -m pip install numpy"),
        (True, "'/usr/bin/python3 -m venv edgecnn && edgecnn/bin/pip install numpy onnxruntime'"),
    ],
)
def test_what_installs_packages_is_said(managed: bool, said: str) -> None:
    place = place_of("ssh://pi@box:2222")
    assert said in place.install(["numpy"], Python("/usr/bin/python3", (3, 11, 2), managed))


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("pi@box: Permission denied (publickey).", "ssh-copy-id -p 2222 pi@box"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "'[box]:2222'"),
        ("Host key verification failed.", "accept it: ssh -p 2222 pi@box"),
        ("ssh: connect to host box port 2222: Connection timed out", "switched on"),
        ("ssh: connect to host box port 2222: No route to host", "switched on"),
        ("something new", r"did not start Python there (something new)"),
    ],
)
def test_what_ssh_says_is_told_with_what_to_do(said: str, meaning: str) -> None:
    found = str(place_of("ssh://pi@box:2222").unreached(255, said.splitlines()))
    assert meaning in found
    assert said.splitlines()[-1] in found


def test_a_connection_that_is_cut_at_once_is_one_to_try_again() -> None:
    found = place_of("ssh://box").unreached(255, ["Connection to box closed by remote host."])
    assert isinstance(found, ConnectionLost)
