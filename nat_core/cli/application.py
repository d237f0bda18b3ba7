"""The command `app`: opens NAT Lab in the browser."""

import os
import sys

import typer

from nat_core.cli.app import app
from nat_core.paths import PROJECT

_FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("app", context_settings=_FORWARDED)
def open_app(context: typer.Context) -> None:
    """Open NAT Lab in the browser; options go to `streamlit run`, such as --server.port 8502."""
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "app.py"), *context.args]
    os.execv(sys.executable, command)
