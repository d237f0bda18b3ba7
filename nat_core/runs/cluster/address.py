"""Which Ray cluster is meant, by the address of its job server; Ray itself is not needed for that."""

import os
import re
from urllib.parse import urlsplit

PORT = 8265  # of a job server, unless another one was chosen
ACCEPTED = "accepted: ray://HOST:PORT of its job server (`ray start --head` prints it as the dashboard's)"
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def job_server(text: str) -> str:
    """The address of the job server that `text` means: ``http://HOST:PORT``.

    Args:
        text: ``ray`` for the one in the environment's `RAY_ADDRESS`, ``ray://HOST[:PORT]``, or ``http[s]://HOST:PORT``.

    Raises:
        ValueError: it is no such address, or `RAY_ADDRESS` holds none.
    """
    text = text.strip()
    if text == "ray":
        text = os.environ.get("RAY_ADDRESS", "").strip()
        if not text:
            raise ValueError(f"no Ray cluster is known: RAY_ADDRESS is not set; {ACCEPTED}")
    scheme, separator, _ = text.partition("://")
    if not separator or scheme not in ("ray", "http", "https"):
        raise ValueError(f"{text[:100]!r} is not the address of a Ray cluster; {ACCEPTED}")
    try:
        parts = urlsplit(text)
        host, port = parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}"), parts.port or _default(scheme)
    except ValueError:
        raise ValueError(f"{text[:100]!r} is not the address of a Ray cluster; {ACCEPTED}") from None
    if not _HOST.fullmatch(host) or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{text[:100]!r} is not the address of a Ray cluster; {ACCEPTED}")
    return f"{'https' if scheme == 'https' else 'http'}://{host}:{port}"


def known_job_server() -> str:
    """The job server in the environment's `RAY_ADDRESS`; "" where it names none."""
    try:
        return job_server("ray")
    except ValueError:
        return ""


def _default(scheme: str) -> int:
    return 443 if scheme == "https" else PORT
