"""Requests survive JSON, and the command line that they name asks for the same."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.learning.forms import form_for
from nat_core.learning.policies.config import POLICY_CONFIGS
from nat_core.learning.training.config import RECIPES, TrainingConfig
from nat_core.options import with_fields
from nat_core.runs.kinds import KINDS, measure_of, request_for, work_of
from nat_core.runs.request import Request


def test_a_request_survives_json():
    request = request_for("train", TrainingConfig(seed=3), preset="group", name="é", threads=2, output="/x")
    again = Request.from_json(request.to_json())
    assert again.to_json() == request.to_json()
    assert work_of(again.kind).config.from_dict(again.config) == TrainingConfig(seed=3)
    assert (again.steps, again.space, again.output) == (1500, "nasbench201", "/x")


def test_parameters_are_flat():
    assert request_for("train", TrainingConfig()).parameters()["policy.network"] == "edge"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threads": 0}, "threads is 0; accepted: whole numbers from 1 to 1,024"),
        ({"name": "a\nb"}, "not one line of at most 100 characters"),
        ({"name": "a" * 101}, "not one line of at most 100 characters"),
        ({"command": "x" * 1_000_000}, "at most 1,000,000 are accepted"),
    ],
)
def test_bad_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        request_for("train", TrainingConfig(), **change)


def test_bad_kinds_and_configurations_are_refused():
    with pytest.raises(ValueError, match="unknown kind of run 'dance'; accepted: train"):
        request_for("dance", TrainingConfig())
    with pytest.raises(ValueError, match="a run of kind train needs a TrainingConfig, not dict"):
        request_for("train", {})
    with pytest.raises(ValueError, match="the field 'kind' is missing"):
        Request.from_json("{}")
    with pytest.raises(ValueError, match="an absolute folder is needed"):
        Request("train", {}, 1, output="here")


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(RECIPES)),
    st.sampled_from(sorted(POLICY_CONFIGS)),
    st.integers(1, 9999),
    st.integers(0, 2**40),
    st.floats(0, 1),
)
def test_the_command_line_asks_for_the_same(recipe, network, steps, seed, weight):
    values = {"policy": POLICY_CONFIGS[network], "steps": steps, "seed": seed, "reward.cost_weight": weight}
    config = with_fields(RECIPES[recipe], values)
    words = shlex.split(request_for("train", config, preset=recipe, output="/x").command)
    assert words[:4] == ["python", "-m", "nat_core", "train"] and words[-2:] == ["--output", "/x"]
    given = dict(zip(words[4:-2:2], words[5:-2:2], strict=True))
    types = {"steps": int, "seed": int, "cost_weight": float, "change_weight": float}
    options = {name[2:].replace("-", "_"): text for name, text in given.items()}
    options = {name: types.get(name, str)(text) for name, text in options.items()}
    space = options.pop("space")
    form = form_for(space, options)
    assert form.kind == "train" and form.config(space, form.accepted(options)) == config


def test_lists_know_without_loading_the_work_whether_a_kind_measures_accuracies():
    for kind in KINDS:
        assert (measure_of(kind) == "accuracy_percent") == (work_of(kind).headline == "accuracy")
