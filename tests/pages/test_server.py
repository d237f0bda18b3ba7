"""`streamlit run app.py` as a user starts it."""

import os
import subprocess
import sys
import time
import urllib.request

from benchmarks.startup import free_port
from nat_core.paths import PROJECT


def test_it_answers_and_opens_a_browser_at_its_own_address(tmp_path):
    opened, port = tmp_path / "opened.txt", free_port()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=false",
               f"--server.port={port}", "--server.baseUrlPath=/lab/"]  # fmt: skip
    environment = {**os.environ, "BROWSER": f"{browser} %s", "NAT_LAB_RUNS": str(tmp_path / "runs")}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (opened.exists() and opened.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert opened.read_text().strip() == f"http://localhost:{port}/lab"
        with urllib.request.urlopen(f"http://localhost:{port}/lab/") as page:
            assert b"<title>Streamlit</title>" in page.read()
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert f"http://localhost:{port}/lab" in said
