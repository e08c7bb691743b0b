"""An S3 on this machine: moto's server in a process of its own, with a log of what is asked of it."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BUCKET = "pictures"
START_S = 60


class S3:
    """A server that can be killed and started again on its port; whatever lay in it is then gone."""

    def __init__(self, home: Path) -> None:
        """Start it. ``home`` is an empty folder, for its log and as the home of whoever asks it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home, self._log = home, home / "requests.log"
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """What a client has to be told; it asks twice at most, so that a test of a dead server is short."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
            "HOME": str(self.home),
        }

    def start(self) -> None:
        """Start it, with an empty bucket."""
        program = "import sys; from moto.server import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(self.port)]
        with self._log.open("ab") as log:
            environment = {**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": "7"}  # so that listings have several pages
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        ends = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, self._log.read_text()
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            assert time.monotonic() < ends, "moto's server does not answer"
            time.sleep(0.05)
        self.client().create_bucket(Bucket=BUCKET)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def client(self):
        """Return a client of Amazon's own."""
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.environment["AWS_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip

    def put(self, folder: Path, prefix: str) -> str:
        """Upload all files of a folder, or one file, and return its address."""
        client = self.client()
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if file.is_file():
                rest = file.relative_to(folder if folder.is_dir() else folder.parent).as_posix()
                client.put_object(Bucket=BUCKET, Key=f"{prefix}/{rest}", Body=file.read_bytes())
        return f"s3://{BUCKET}/{prefix}" + ("" if folder.is_dir() else f"/{folder.name}")

    def reads(self, suffix: str) -> int:
        """Return how often the content of files that end so was asked for until now."""
        return len(re.findall(rf'"GET /{BUCKET}/[^" ?]*{re.escape(suffix)} HTTP', self._log.read_text()))


@contextlib.contextmanager
def named(server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have this process and those that it starts ask a server, and no other."""
    import fsspec

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield
    fsspec.get_filesystem_class("s3").clear_instance_cache()
