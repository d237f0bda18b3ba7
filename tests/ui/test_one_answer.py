"""What a policy makes of an architecture is one answer, wherever it is asked for."""

import json

import pytest

import nat_core
from nat_core.architecture.notation import parse
from nat_core.cli import main
from nat_core.naming import resolve
from nat_core.tradeoff import FINE_SHARES, fronts_by
from nat_core.transformation import Options
from ui import compute
from ui.compare import outputs

ASKED = [
    "nasbench201:5982",
    "nasbench201:77",
    "nasbench201:9930",
    "DARTS",
    "NAONet",
    "MobileNetV2",
    "Random_R3",
    "ENAS",
]


@pytest.mark.parametrize("name", ASKED)
def test_page_command_compare_python_and_front_give_the_same(name, capsys):
    given = resolve(name)
    policy = outputs.policy_name(given, outputs.shipped())
    card = outputs.shipped()[policy]
    page = compute.transform(given, policy, card.target_space, Options(), "cpu").progress.outcome.output
    assert main(["transform", name, "--json"]) == 0
    command = parse(json.loads(capsys.readouterr().out)["output"]["genotype"])
    (front,) = fronts_by(compute.PRETRAINED, [given], shares=FINE_SHARES)
    answers = {
        page.architecture,
        command,
        outputs.output(given, policy),
        nat_core.transform(name).output.architecture,
        front.first.candidate.architecture,
    }
    assert len(answers) == 1
    assert page.is_as_good_as(front.input)
