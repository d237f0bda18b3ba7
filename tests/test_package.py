"""The wheel, installed beside nothing of the checkout and used from another folder."""

import os
import re
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from nat_core.paths import PROJECT
from nat_core.reference import reference


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder in which pip has put the wheel."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(PROJECT)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


@pytest.fixture
def surroundings(installed, tmp_path):
    """The environment of a user whose home is empty."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NAT_LAB_")}
    home = tmp_path / "home"
    home.mkdir()
    return {**kept, "PYTHONPATH": str(installed), "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}


def nat_lab(installed, surroundings, *arguments):
    """What the command `nat-lab` answers from a folder that holds nothing else."""
    elsewhere = Path(surroundings["HOME"])
    command = [sys.executable, str(installed / "bin" / "nat-lab"), *arguments]
    return subprocess.run(command, env=surroundings, cwd=elsewhere, capture_output=True, text=True, timeout=120)


def test_a_wheel_answers_from_another_folder(installed, surroundings):
    answer = nat_lab(installed, surroundings, "cost", "DARTS")
    assert answer.returncode == 0, answer.stderr
    assert "528," in answer.stdout
    answer = nat_lab(installed, surroundings, "transform", "DARTS", "--json")
    assert answer.returncode == 0, answer.stderr
    assert '"macs"' in answer.stdout


def test_a_run_of_the_wheel_is_kept_in_the_users_data_folder(installed, surroundings):
    before = {path for path in installed.rglob("*") if "__pycache__" not in path.parts}
    answer = nat_lab(installed, surroundings, "train", "--space", "nasbench201", "--steps", "2")
    assert answer.returncode == 0, answer.stderr
    home = Path(surroundings["HOME"])
    assert (home / "data" / "nat-lab" / "runs" / "mlflow.db").is_file()
    assert [path.name for path in home.iterdir()] == ["data"]
    assert {path for path in installed.rglob("*") if "__pycache__" not in path.parts} == before


def test_the_wheel_installs_no_package_of_a_common_name(installed):
    found = {path.name for path in installed.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert found == {"bin", "nat_core", "nat_lab"}
    assert (installed / "nat_lab" / ".streamlit" / "config.toml").is_file()
    assert (installed / "nat_core" / "py.typed").is_file()


def test_the_command_and_the_import_answer_at_once(installed, surroundings):
    assert fastest(lambda: nat_lab(installed, surroundings, "--help")) <= 0.3
    command = [sys.executable, "-c", "import nat_core"]
    assert fastest(lambda: subprocess.run(command, env=surroundings, check=True)) <= 0.2


def fastest(call, attempts=3):
    """Processor seconds of the fastest of several calls, children included, whatever else the machine does."""

    def seconds():
        before = os.times()
        call()
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    return min(seconds() for _ in range(attempts))


def test_the_packages_dependencies_are_those_of_the_pinned_set_up():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), re.M))
    asked = dict(item.split(">=") for item in project["dependencies"])
    assert asked.keys() == pins.keys()
    assert all(numbers(pins[name]) >= numbers(least) for name, least in asked.items())


def numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)]


def test_the_command_opens_the_app(installed, surroundings):
    """As far as a browser is not needed: the server answers, with the app's own settings."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    options = ["--server.headless", "true", "--server.port", str(port)]
    command = [sys.executable, str(installed / "bin" / "nat-lab"), "app", *options]
    process = subprocess.Popen(command, env=surroundings, cwd=surroundings["HOME"], stdout=subprocess.PIPE, text=True)
    try:
        said = next(line for line in process.stdout if "URL" in line)
        with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=30) as answer:
            assert answer.read() == b"ok"
    finally:
        process.terminate()
        process.wait(30)
    assert "localhost" in said  # of the settings beside app.py; Streamlit's own would name the network's addresses


def test_the_public_functions_are_documented_as_they_are():
    """docs/api.md is what `python -m nat_core.reference` prints."""
    assert (PROJECT / "docs" / "api.md").read_text(encoding="utf-8") == reference()
