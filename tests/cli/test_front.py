import json

import pytest

from nat_core.architecture.library import library
from nat_core.cli import main
from nat_core.naming import resolve


def lines(capsys, *arguments: str) -> list[dict]:
    assert main(["front", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_of_json_for_every_input(capsys):
    found = lines(capsys, "DARTS", "nasbench201:77", "--budgets", "1,0.5")
    assert [item["input"]["architecture"] for item in found] == ["DARTS", "nasbench201:77"]
    for item in found:
        assert item["points"]
        for point in item["points"]:
            assert point["budget"] in (1, 0.5) and point["macs"] <= point["budget"] * item["input"]["macs"]
            resolve(point["genotype"])
    assert found[0]["accuracy_kind"] == "modelled" and found[0]["points"][0]["standard_error"] > 0
    assert found[1]["accuracy_kind"] == "tabular" and found[1]["points"][0]["standard_error"] is None


def test_a_file_of_many_is_read(capsys, tmp_path):
    names = [name for name in library() if not name.startswith("NAT")][:6]
    (tmp_path / "list.txt").write_text("\n".join(names))
    found = lines(capsys, str(tmp_path / "list.txt"), "--greedy")
    assert [item["input"]["architecture"] for item in found] == names


def test_a_table_for_people(capsys):
    assert main(["front", "DARTS"]) == 0
    out, err = capsys.readouterr()
    first, heading, given, *points = out.splitlines()
    assert first == "DARTS" and heading.split() == ["budget", "MACs", "parameters", "accuracy"]
    assert given.split()[:3] == ["input", "528.4", "M"] and points
    assert sum("the cheapest that is as good as the input" in line for line in points) == 1
    assert "predicted for full CIFAR-10 training" in err


def test_what_has_no_front_is_told_and_the_others_are_shown(capsys, tmp_path):
    cell = "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1)], normal_concat=[2])"
    (tmp_path / "list.txt").write_text(f"{cell}\nDARTS\n")
    assert main(["front", str(tmp_path / "list.txt"), "--json"]) == 0
    out, err = capsys.readouterr()
    without, darts = map(json.loads, out.splitlines())
    assert without["points"] == [] and "reduction cell is missing" in without["why_not"] and darts["points"]
    assert "reduction cell is missing" in err
    assert main(["front", cell]) == 2 and "reduction cell is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budgets", "half"], "budgets are 'half'; accepted: numbers separated by commas, such as 1,0.8,0.6"),
        (["--budgets", "2"], "a budget is 2.0; accepted: shares of the input's cost"),
        (["--cost", "watts"], "cost is 'watts'; accepted: macs, parameters"),
        (["--policy", "none"], "no policy 'none'; accepted: "),
        (["--candidates", "0"], "candidates is 0; accepted: 1 to 1000"),
    ],
)
def test_bad_options_are_one_line(capsys, arguments, message):
    assert main(["front", "DARTS", *arguments]) == 2
    assert message in capsys.readouterr().err
