"""What runs on a cluster need before there is one: addresses, storage, and a program that does without Ray."""

import ast
import subprocess
import sys
from itertools import count

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from nat_core.learning.image_training.loop import train_on_images
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from nat_core.paths import PROJECT
from nat_core.runs.artifacts import StoredCheckpoints
from nat_core.runs.cluster.address import job_server, known_job_server
from nat_core.runs.cluster.storage import Storage, storage_for_runs
from nat_core.runs.kinds.training import policy_of_checkpoint
from tests.learning.image_training.cases import tiny
from tests.support.object_store import object_store


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ray://head:8265", "http://head:8265"),
        ("ray://head", "http://head:8265"),
        ("ray://10.0.0.7:80/", "http://10.0.0.7:80"),
        ("ray://[::1]:8265", "http://[::1]:8265"),
        ("https://ray.example.org", "https://ray.example.org:443"),
        ("http://head:1234", "http://head:1234"),
        (" ray://head ", "http://head:8265"),
        ("ray", "http://of-the-environment:8265"),
    ],
)
def test_addresses(monkeypatch, text, address):
    monkeypatch.setenv("RAY_ADDRESS", "ray://of-the-environment")
    assert job_server(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "head", "head:8265", "auto", "ray://", "ray://:8265", "ray://head:port", "ray://head:99999", "ftp://head",
     "ray://me:secret@head", "ray://head/path", "ray://head?x=1", "ray://head\n:8265", "rays", "ray:head"],
)  # fmt: skip
def test_what_is_no_address_is_one_sentence(monkeypatch, text):
    with pytest.raises(ValueError, match=r"is not the address of a Ray cluster; accepted: ray://HOST:PORT"):
        job_server(text)
    monkeypatch.setenv("RAY_ADDRESS", text)
    assert known_job_server() == ""


@pytest.fixture(scope="module")
def bucket():
    """Of an S3 server."""
    with object_store() as address:
        yield address


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def storage(request, tmp_path) -> Storage:
    """A shared folder, by path and by URL, and two object stores."""
    if request.param == "s3":
        return Storage(f"{request.getfixturevalue('bucket')}{tmp_path}")
    places = {"folder": f"{tmp_path}/shared/", "file": f"file://{tmp_path}/shared", "memory": f"memory://{tmp_path}"}
    return Storage(places[request.param])


def test_files_are_stored_replaced_fetched_and_removed(storage, tmp_path):
    storage.check()
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    assert not storage.get("a/file", target) and not target.exists()
    for content in (b"first", b"second and longer", bytes(6 * 2**20)):  # object stores take large files in parts
        source.write_bytes(content)
        storage.put(source, "a/file")
        assert storage.get("a/file", target) and target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    storage.delete("a")
    storage.delete("a")
    assert not storage.get("a/file", target)


def test_a_checkpoint_goes_on_elsewhere(storage, tmp_path):
    here, there = (StoredCheckpoints(tmp_path / name, storage, "run") for name in ("here", "there"))
    for value in (1, 2):
        with here.saving("one") as path:
            save_file({"value": np.array(value)}, path)
    with there.saving("one") as path:  # left from before, on the other node
        save_file({"value": np.array(0)}, path)
    with here.saving("one") as path:
        save_file({"value": np.array(3)}, path)
    assert not there.restore("one") and load_file(there.path("one"))["value"] == 3
    there.forget("one")
    assert not list(there.folder.iterdir()) and here.path("one").exists()
    here.delete()
    there.restore("one")
    assert not there.path("one").exists()


def test_a_training_goes_on_elsewhere_with_its_policy_and_shared_weights(bucket, tmp_path):
    """Stopped twice, and each time continued on another node; what came out is that of one go."""
    config, storage, alone = tiny(schedule="alternate"), Storage(f"{bucket}/trainings"), tmp_path / "alone.safetensors"
    train_on_images(config, hooks=Hooks(checkpoint=alone))
    for node, steps in enumerate((5, 12, 1000)):
        stored = StoredCheckpoints(tmp_path / f"node-{node}", storage, "run")
        stored.restore()
        assert stored.path().exists() == (node > 0)
        asked = count()
        hooks = Hooks(
            should_stop=lambda asked=asked, steps=steps: next(asked) >= steps,
            checkpoint=stored.path(),
            saving=stored.saving,
        )
        trained = train_on_images(config, hooks=hooks)
        assert trained.finished == (node == 2)
    target = tmp_path / "fetched.safetensors"
    assert storage.get("checkpoints/run/state.safetensors", target)
    (found, _), (expected, _) = load_tensors(target), load_tensors(alone)
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)
    assert policy_of_checkpoint(target)[1].training["steps_done"] == trained.steps


def test_storage_that_cannot_be_used_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    (tmp_path / "file").write_text("no folder")
    for place, problem in (("", "needs storage"), ("relative", "NAT_LAB_STORAGE is 'relative'"),
                           (f"{tmp_path}/file", "cannot be used"), ("gs://bucket/x", "install gcsfs")):  # fmt: skip
        monkeypatch.setenv("NAT_LAB_STORAGE", place)
        with pytest.raises(ValueError, match=problem) as told:
            storage_for_runs()
        assert "accepted: an absolute path of a folder that all nodes share" in str(told.value)


def test_nothing_imports_ray_before_a_cluster_is_asked_for():
    """No module's own statements do, wherever it is; only inside functions, and for those who check types."""
    at_once = []
    for folder in ("nat_core", "ui", "pages"):
        for path in (PROJECT / folder).rglob("*.py"):
            left: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
            while left:
                node = left.pop()
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                    continue
                if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                    left += node.orelse
                    continue
                names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                at_once += [f"{path}:{node.lineno}" for name in names if name.partition(".")[0] == "ray"]
                left += ast.iter_child_nodes(node)
    assert at_once == []


def test_nothing_needs_ray_but_runs_on_a_cluster(tmp_path):
    """Where it is installed nothing of it is loaded; where it is not, everything else works."""
    program = (
        "import sys, ui.train.where\n"
        "from nat_core.cli import main\n"
        "assert main(['runs']) == 0\n"
        "loaded = [name for name in sys.modules if name.partition('.')[0] in ('ray', 's3fs', 'gcsfs')]\n"
        "assert not loaded, loaded\n"
        "sys.modules['ray'] = None\n"
        "assert main(['evaluate', 'DARTS', '--preset', 'smoke', '--on', 'ray://127.0.0.1:9']) == 2\n"
        "from nat_core.runs.cluster.jobs import JobServer\n"
        "try:\n"
        "    JobServer('http://127.0.0.1:9')\n"
        "except ValueError as error:\n"
        "    print(error, file=sys.stderr)\n"
    )
    surroundings = {"NAT_LAB_RUNS": str(tmp_path), "NAT_LAB_STORAGE": str(tmp_path), "PYTHONPATH": str(PROJECT),
                    "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "PATH": ""}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, refused, missing = done.stderr.splitlines()
    assert "is a file here; set MLFLOW_TRACKING_URI" in refused
    assert missing == "Ray is not installed here, which a Ray cluster needs; pip install -r requirements-cluster.txt"


def test_an_object_store_that_cannot_be_used_is_one_sentence(bucket):
    with pytest.raises(ValueError, match=r"^the storage s3://nowhere/runs cannot be used \(not found: .*; accepted"):
        Storage("s3://nowhere/runs").check()


@pytest.mark.parametrize(
    "place", ["s3://", "python://", "://x", "\u202e://x", "reference://x", "github://me:secret@/x", "s3:\n//x"]
)
def test_what_is_no_storage_is_one_sentence_and_makes_no_folder(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="; accepted: an absolute path of a folder") as refused:
        Storage(place).check()
    assert "secret" not in str(refused.value) and len(str(refused.value)) < 300
    assert not list(tmp_path.iterdir())
