"""What the README, and the documents that it leads to, say can be typed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import write
from nat_core.cli import main
from nat_core.paths import PROJECT
from nat_core.runs.folders import Folders
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from tests.support.image_folder import make_image_folder

README = (PROJECT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
METHOD = (PROJECT / "docs" / "method.md").read_text(encoding="utf-8")
DOCUMENTS = [path for folder in (PROJECT, PROJECT / "docs") for path in sorted(folder.glob("*.md"))]


def test_it_is_read_to_the_end():
    assert len(README.split()) <= 1500


def test_the_script_runs_as_it_stands_there():
    (script,) = re.findall(r"```python\n(.*?)```", README, re.S)
    ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    given, made, *changes = ran.stdout.splitlines()
    percents = [float(line.partition(" %")[0]) for line in (given, made)]
    assert percents[1] > percents[0] and all("(tabular), " in line for line in (given, made))
    assert float(made.rpartition(", ")[2].partition(" M")[0]) <= 100
    assert changes and all(" → " in line for line in changes)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_what_is_there(document):
    links = re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8"))
    for path, _, heading in (link.partition("#") for link in links if "://" not in link):
        target = (document.parent / path) if path else document
        assert target.exists(), f"{document.name} leads to {path}"
        assert not heading or heading in headings(target), f"{document.name} leads to {path}#{heading}"


def headings(document) -> set[str]:
    """The anchors that a Markdown page has for its headings."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_it_leads_to_every_document():
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", README)}
    assert {str(path.relative_to(PROJECT)) for path in DOCUMENTS} - {"README.md"} <= targets


def test_every_folder_of_the_map_is_there():
    found = re.findall(r"^( *)(\w[\w/.]*)", CONTRIBUTING.partition("## Where things are")[2].split("```")[1], re.M)
    paths = [f"nat_core/learning/{name}" if indent == "    " else name for indent, name in found]
    assert len(paths) > 15 and all((PROJECT / path).exists() for path in paths)


# The commands of the table, as they stand there, and those of the code blocks below it.
_ROWS = README.partition("## Command line")[2].partition("## From Python")[0]
TABLE = [
    span
    for row in re.findall(r"^\| (`.*`) \|", _ROWS, re.M)
    for span in re.findall(r"`([^`]+)`", row.replace("\\|", "|"))
]
BLOCKS = re.findall(r"^\.venv/bin/python -m nat_core ([^#\n]+)", README + METHOD, re.M)
GENOTYPE = write(library()["DARTS"].architecture, "pairs")
# A training as written takes minutes or more; its own option, which the table names, makes it short.
SHORT = {
    "train --space nasbench201": ["--steps", "20"],
    "train --space fully_concat --recipe": ["--steps", "2", "--searched-share", "0"],
}
# What makes a command with a FOLDER of images one of seconds.
SMALL = {
    "evaluate": "--epochs 1 --channels 2 --layers 3 --resolution 64 --no-auxiliary --batch 8",
    "train": "--epochs 1 --steps 2 --channels 2 --resolution 32 --batch 8 --reward-images 8 --rounds 1",
}


def command(text: str, folder) -> list[str]:
    """A command of the table with nothing optional, the first of its alternatives, and a whole genotype for ARCH."""
    required = re.sub(r"\[[^\]]*\]", "", text)
    first = re.sub(r"(\S+?)\|\S+", r"\1", required)
    words = [GENOTYPE if word in ("ARCH", "ARCH…") else word for word in first.split()]
    words = [str(folder / word) if word.startswith("FILE") else word for word in words]
    short = next((more for start, more in SHORT.items() if " ".join(words).startswith(start)), [])
    assert all(option in text for option in short if option.startswith("--"))
    return [*words, *short]


IN_TABLE = [command(text, PROJECT) for text in TABLE]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, empty_database) -> Path:
    """A folder of runs."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copy(empty_database, folder)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of images in ImageNet's layout."""
    return make_image_folder(tmp_path_factory.mktemp("pictures"), images=60, classes=6, sides=(70, 120))


@pytest.fixture
def nat_core(runs, monkeypatch, capfd):
    """Runs a command from the project's folder; its status and what it printed."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("NAT_LAB_RUNS", str(runs))

    def run(*words: str) -> tuple[int, str, str]:
        return main(list(words)), *capfd.readouterr()

    return run


def test_the_table_has_every_command():
    listed = subprocess.run([sys.executable, "-m", "nat_core", "--help"], cwd=PROJECT, capture_output=True, text=True)
    names = set(re.findall(r"^  ([a-z]+) ", listed.stdout.partition("Commands:")[2], re.M))
    assert names and names == {text.split()[0] for text in TABLE}


@pytest.mark.parametrize("text", [text for text in TABLE if "RUN" not in text and not text.startswith("app")])
def test_a_command_of_the_table_runs_as_written_with_a_whole_genotype(nat_core, tmp_path, text):
    words = command(text, tmp_path)
    status, out, err = nat_core(*words)
    assert status == 0, f"{shlex.join(words)}\n{err}"
    assert (out + err).strip() and "Traceback" not in err


@pytest.mark.parametrize("text", [text for text in BLOCKS if shlex.split(text) not in IN_TABLE])
def test_a_command_of_a_code_block_runs_as_written(nat_core, pictures, text):
    words = shlex.split(text)
    if "FOLDER" in words:
        words[words.index("FOLDER")] = str(pictures)
        words += SMALL[words[0]].split()
    elif words[:1] == ["evaluate"]:  # all of CIFAR-10, which is not there
        assert words[words.index("--preset") + 1] == "short"
        words[words.index("short")] = "smoke"
        words += ["--epochs", "1"]
    status, _, err = nat_core(*words)
    assert status == 0, f"{text}\n{err}"


def test_a_run_of_the_table_is_stopped_and_resumed(nat_core, runs):
    store = open_tracking(folders=Folders(runs))
    _, out, _ = nat_core("train", "--space", "nasbench201", "--steps", "1000000", "--detach")
    run = out.strip()
    texts = {text.split()[0]: command(text.replace("RUN", run), None) for text in TABLE if text.endswith("RUN")}
    assert nat_core(*texts["stop"])[0] == 0
    assert store.get(run).state is State.STOPPED
    assert nat_core(*texts["resume"], "--detach")[0] == 0
    assert store.get(run).state in (State.RUNNING, State.QUEUED)
    assert nat_core(*texts["stop"])[0] == 0
