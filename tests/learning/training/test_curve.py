import json
from dataclasses import replace

import pytest

from nat_core.learning.policies.checkpoint import load_card
from nat_core.learning.training.curve import CURVE, Series, TrainingCurve, load_curve, save_curve, series_of
from nat_core.paths import PRETRAINED

CURVE_OF_TWO = TrainingCurve("python -m …", 3, "2026-01-02", True, {"gain": Series((10, 20), (0.5, 1.25))})


def test_reports_become_series_by_metric():
    series = series_of([(10, {"gain": 1.00004}), (20, {"gain": 2, "held_out_gain": 3})])
    assert series == {"gain": Series((10, 20), (1.0, 2)), "held_out_gain": Series((20,), (3,))}


def test_a_curve_round_trips(tmp_path):
    save_curve(tmp_path, CURVE_OF_TWO)
    assert load_curve(tmp_path) == CURVE_OF_TWO


def test_no_curve_is_none(tmp_path):
    assert load_curve(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting property name"),
        ("[]", "a curve is a JSON object of command"),
        (json.dumps({"command": "x"}), "a curve is a JSON object of command"),
        (replace(CURVE_OF_TWO, date=3).to_json(), "of the wrong type"),
        (CURVE_OF_TWO.to_json().replace("[10,20]", "[10,5]"), "must rise"),
        (CURVE_OF_TWO.to_json().replace("[10,20]", "[10]"), "1 steps and 2 values"),
        (CURVE_OF_TWO.to_json().replace("values", "value"), "a JSON object of steps and values"),
    ],
)
def test_a_damaged_curve_is_named(tmp_path, text, message):
    (tmp_path / CURVE).write_text(text)
    with pytest.raises(ValueError, match=rf"{CURVE}: .*{message}"):
        load_curve(tmp_path)


def test_the_shipped_curve_ends_where_the_card_says():
    curve, card = load_curve(PRETRAINED / "nasbench201"), load_card(PRETRAINED / "nasbench201")
    assert curve.same_weights and (curve.command, curve.seed) == (card.command, card.seed)
    assert curve.series["held_out_gain"].steps[-1] == card.training["steps"]
    assert curve.series["held_out_gain"].values[-1] == pytest.approx(card.quality["greedy"]["gain"], abs=1e-3)
