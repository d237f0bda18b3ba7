"""Addresses of Ray clusters, by their job servers; this needs no Ray."""

import os
import re

PORT = 8265  # Ray's default for the job server
ACCEPTED = "accepted: ray://HOST:PORT of its job server (`ray start --head` prints it as the dashboard's)"
_ADDRESS = re.compile(r"(ray|https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")
_PORTS = {"ray": PORT, "http": PORT, "https": 443}


def job_server(text: str) -> str:
    """Return the address of the job server that `text` names: ``http://HOST:PORT``.

    Args:
        text: ``ray`` for the environment's `RAY_ADDRESS`, ``ray://HOST[:PORT]``, or ``http[s]://HOST[:PORT]``.

    Raises:
        ValueError: `text` or `RAY_ADDRESS` is not such an address.
    """
    text = text.strip()
    if text == "ray":
        text = os.environ.get("RAY_ADDRESS", "").strip()
        if not text:
            raise ValueError(f"no Ray cluster is known: RAY_ADDRESS is not set; {ACCEPTED}")
    found = _ADDRESS.fullmatch(text)
    port = int(found[3] or _PORTS[found[1]]) if found else 0
    if found is None or not 0 < port < 65536:
        raise ValueError(f"{text[:100]!r} is not the address of a Ray cluster; {ACCEPTED}")
    return f"{'https' if found[1] == 'https' else 'http'}://{found[2]}:{port}"


def known_job_server() -> str:
    """Return the job server in the environment's `RAY_ADDRESS`, or ""."""
    try:
        return job_server("ray")
    except ValueError:
        return ""
