"""One pass over the images: what is measured, kept and refused."""

from dataclasses import replace

import pytest

from experiments.training_speed import SpeedResult, add_speed, read_speeds, training_speed
from nat_core.architecture import notation
from nat_core.architecture.library import library
from tests.learning.scratch.cases import coloured_images

CELL = notation.parse("|skip_connect~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|")
RESULT = SpeedResult("genotype", "rewards", 0, tuple(2.0 - number / 10 for number in range(10)), 1.5)


@pytest.fixture(scope="module")
def data():
    return coloured_images(count=720)


def test_the_loss_falls_on_images_that_are_easy_to_tell_apart(data, device):
    result = training_speed(CELL, data, device=device)
    assert (result.genotype, result.stream, result.seed) == (notation.shortest(CELL), "rewards", 0)
    assert len(result.losses) == 10
    assert result.losses[-1] < result.losses[0]


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(data):
    first = training_speed(CELL, data)
    assert training_speed(CELL, data).losses == first.losses
    assert training_speed(CELL, data, seed=1).losses != first.losses


def test_the_stream_of_test_images_is_another(data):
    assert training_speed(CELL, data, "test").losses != training_speed(CELL, data).losses


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="15 images in the stream of rewards; at least 320 are needed"):
        training_speed(CELL, coloured_images())


def test_stopping_leaves_nothing(data):
    assert training_speed(CELL, data, should_stop=lambda: True) is None


def test_cells_of_two_inputs_are_trained_in_their_own_network(data):
    assert training_speed(library()["NAT_DARTS"].architecture, data).losses[0] > 0


def test_the_loss_leaves_out_the_first_two_tenths():
    assert RESULT.loss == pytest.approx(sum(RESULT.losses[2:]) / 8)


def test_results_are_kept_once_per_genotype_stream_and_seed(tmp_path):
    path = tmp_path / "speeds.jsonl"
    assert read_speeds(path) == {}
    changed = replace(RESULT, losses=(1.0,) * 10)
    for result in (RESULT, replace(RESULT, stream="test"), replace(RESULT, seed=1), changed):
        add_speed(path, result)
    assert len(path.read_text().splitlines()) == len(read_speeds(path)) == 3
    assert read_speeds(path)[RESULT.key] == changed


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 1: .*accepted: a training speed"),
        ('{"genotype": "x"}', "line 1: .*accepted: a training speed"),
        (
            '{"genotype": "x", "stream": "selection", "seed": 0, "losses": [1,1,1,1,1,1,1,1,1,1], "seconds": 1}',
            "stream is 'selection'; accepted: rewards, test",
        ),
        ('{"genotype": "x", "stream": "test", "seed": 0, "losses": [1], "seconds": 1}', "losses has 1 entries"),
        (
            '{"genotype": "x", "stream": "test", "seed": 0, "losses": [NaN,1,1,1,1,1,1,1,1,1], "seconds": 1}',
            r"losses\[0\] is nan; accepted: numbers",
        ),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, line, sentence):
    path = tmp_path / "speeds.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=sentence):
        read_speeds(path)
    with pytest.raises(ValueError, match=sentence):
        add_speed(path, RESULT)
    assert path.read_text() == f"{line}\n"
