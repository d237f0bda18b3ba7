"""What shows itself in a notebook, and the tour through it, run as it stands."""

import json
import os

import pytest

import nat_core
from nat_core.architecture.library import library
from nat_core.paths import PROJECT

TOUR = PROJECT / "docs" / "tour.ipynb"
CODE = [cell for cell in json.loads(TOUR.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> list[list[dict]]:
    """What every cell of code gives, on a kernel of this environment."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    folder = tmp_path_factory.mktemp("tour")
    notebook = nbformat.read(TOUR, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(PROJECT)}}
    ).execute(env={**os.environ, "IPYTHONDIR": str(folder)})
    return [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_tour_is_stored_without_outputs():
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in CODE)
    assert 8 <= len(CODE) <= 12


def test_the_tour_runs_and_everything_shows_itself(outputs):
    kinds = [{kind for output in cell for kind in output.get("data", {})} for cell in outputs]
    assert sum("image/svg+xml" in item for item in kinds) >= 3  # architecture, cell, difference
    assert sum("text/html" in item for item in kinds) >= 2  # transformation and front
    assert any("application/vnd.plotly.v1+json" in item for item in kinds)
    assert all(cell for cell in outputs)  # no cell of the tour is silent
    printed = "".join(output.get("text", "") for cell in outputs for output in cell)
    assert "cifar: 3,349,342 parameters, 528,359,040 multiply-adds" in printed and " ± " in printed


def test_a_front_is_a_figure_in_the_unit_that_its_budgets_limit():
    for cost, title in (("macs", "MACs, millions"), ("parameters", "parameters, millions"), ("pixel3", "pixel3, ms")):
        offered = nat_core.front("nasbench201:5982", cost=cost, candidates=3)
        line, given = offered.figure().data
        assert title in offered.figure().layout.xaxis.title.text
        assert list(line.y) == [point.candidate.accuracy_percent for point in offered.points]
        assert list(line.x) == sorted(line.x) and given.x[0] >= line.x[-1]
        if cost == "macs":
            assert given.x[0] == offered.input.cost.macs / 1e6
        if cost == "pixel3":
            assert given.x[0] == offered.latency_ms


def test_what_is_shown_escapes_what_others_wrote():
    outcome = nat_core.transform(library()["DARTS"].architecture, candidates=1)
    html = outcome._repr_html_()
    assert html.startswith("<p>") and html.count("<svg") == 1 and "<?xml" not in html
    assert "background-color:#FFFFFF" in html  # its dark text can be read on a dark page, too
