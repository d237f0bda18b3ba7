"""Policies as archives and tables of trained cells on the pages: taken away, brought in, refused."""

from streamlit.testing.v1 import AppTest

from nat_core.learning.accuracies.trained_cells import read_trained
from nat_core.learning.policies import archive, catalogue
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.scratch.measured import SHIPPED, read_measured
from nat_core.paths import PRETRAINED, PROJECT
from nat_core.runs.folders import default_folders
from ui import compute
from ui.train.files import trained_cells_csv

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)


def uploading(content: bytes) -> AppTest:
    """The Transform page after an upload of a policy's archive."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["cell"] = "DARTS"
    app.session_state["advanced"] = True
    app.run()
    app.file_uploader(key="policy_upload").set_value(("mine.zip", content, "application/zip")).run()
    assert not app.exception
    return app


def test_a_policy_is_uploaded_chosen_and_downloaded_again(monkeypatch, tmp_path):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    monkeypatch.setattr(compute, "POLICIES", (PRETRAINED, *default_folders().policy_roots))
    folder = save_policy(tmp_path / "mine", Policy(SMALL), PolicyCard("fully_concat", "nat++", SMALL))
    app = uploading(archive.packed(folder))
    assert not app.error
    assert "The policy mine was added; it transforms cells of the space Fully-concat" in app.success[0].value
    assert app.query_params["policy"] in ("mine", ["mine"])
    card = catalogue.card_of(compute.POLICIES, "mine")
    assert card.policy == SMALL and card.folder.parent == tmp_path / "policies"


def test_what_is_no_archive_is_refused_in_a_sentence_and_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    app = uploading(b"hello")
    assert app.error[0].value.startswith("No policy was added: mine.zip: truncated, or not an archive; accepted:")
    assert not [*tmp_path.rglob("*.json")]


def test_what_was_measured_here_is_a_table_that_a_policy_can_learn_from(tmp_path):
    results = read_measured(SHIPPED)
    table = tmp_path / "trained.csv"
    table.write_text(trained_cells_csv(dict(enumerate(results))), encoding="utf-8")
    tables = read_trained(table)
    assert {len(item) for item in tables} and sum(map(len, tables)) == len({(r.value, r.budget) for r in results})
