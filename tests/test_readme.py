"""What the README says can be typed."""

import re
import subprocess
import sys

from nat_core import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_script_runs_as_it_stands_there():
    (script,) = re.findall(r"```python\n(.*?)```", README, re.S)
    ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    given, made, *changes = ran.stdout.splitlines()
    percents = [float(line.partition(" %")[0]) for line in (given, made)]
    assert percents[1] > percents[0] and all("(tabular), " in line for line in (given, made))
    assert float(made.rpartition(", ")[2].partition(" M")[0]) <= 100
    assert changes and all(" → " in line for line in changes)


def test_links_lead_to_files_that_are_there():
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target}
    assert {"docs/rewards.md", "docs/extending.md", "docs/faults.md", "LICENSE"} <= targets
    assert all((PROJECT / target).exists() for target in targets)


def test_every_folder_of_the_map_is_there():
    found = re.findall(r"^( *)(\w[\w/.]*)", README.partition("## Where things are")[2].split("```")[1], re.M)
    paths = [f"nat_core/learning/{name}" if indent == "    " else name for indent, name in found]
    assert len(paths) > 15 and all((PROJECT / path).exists() for path in paths)
