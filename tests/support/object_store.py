"""moto's S3 server on loopback, in its own process; it keeps objects in memory only."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.startup import free_port, wait_for

BUCKET = "nat-lab"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def object_store() -> Iterator[str]:
    """Start the server and set the environment variables that a user would; yield the address of its bucket."""
    for package in ("s3fs", "moto"):
        pytest.importorskip(package, reason="the tests of s3:// need it; see requirements-dev.txt")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{address}/moto-api/data.json", server)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**_CREDENTIALS, "AWS_ENDPOINT_URL": address}.items():
                patch.setenv(name, value)
            urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT")).close()
            yield f"s3://{BUCKET}"
    finally:
        server.kill()
        server.wait()
