from argparse import Namespace

import pytest
import torch

from benchmarks.trainings import (
    CHAINS,
    PURPOSES,
    REPEATED,
    SPACE,
    architectures,
    chains,
    judging,
    outputs,
    rewarding,
    train,
)
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.scratch.measured import read_measured
from tests.learning.scratch.cases import TINY, coloured_images, named

pytestmark = pytest.mark.slow


def test_the_judged_architectures_are_48_distinct_ones_of_the_space_in_a_fixed_order():
    every = architectures()
    assert len({item.architecture.effective for item in every}) == len(every) == 48
    assert all(SPACE.mismatch(item.architecture) is None for item in every)
    assert every == architectures()


def test_some_are_random_transformations_of_others():
    named = {item.name: item.architecture for item in architectures()}
    changed = [name for name in named if name.endswith("transformed")]
    assert len(changed) == 12
    for name in changed:
        before, after = named[name.removesuffix(", transformed")], named[name]
        assert before != after
        assert all(new in SPACE.targets(old) for old, new in zip(before.operations, after.operations, strict=True))


def test_the_first_are_trained_with_a_second_seed():
    every = list(judging(Namespace()))
    assert [seed for _, seed in every].count(1) == REPEATED
    assert len({(item.genotype, seed) for item, seed in every}) == len(every)


def test_rewards_come_from_the_judges_architectures_and_others_of_both_spaces():
    every = [item for item, _ in rewarding(Namespace(count=6))]
    assert every[:48] == architectures()
    changed = [item for item in every if item.name.endswith(", separable")]
    assert len(changed) > 10 and not any({"conv_3x3", "conv_5x5"} & {*item.architecture.operations} for item in changed)
    assert [space_of(item.architecture).name for item in every[48:54]] == ["fully_concat", "loose_end"] * 3
    assert [item.name for item in every[48:54]] == [item.name for item, _ in rewarding(Namespace(count=10))][48:54]


def test_chains_are_the_published_ones_and_others_with_as_long_a_row():
    every = [item for item, _ in chains(Namespace(count=12))]
    assert {*CHAINS, "NAT_VGG", "NATv2_ResBlock"} <= {item.name for item in every}
    drawn = [item for item in every if item.name.startswith("chain ")]
    assert len({item.genotype for item in drawn}) == len(drawn) == 12
    topologies = {library()[name].architecture.topology for name in CHAINS}
    rewired = [item.architecture.topology not in topologies for item in drawn]
    assert any(rewired[1::2]) and not any(rewired[::2])
    for item in drawn:
        assert SPACES["loose_end"].mismatch(item.architecture) is None
        for cell in (item.architecture.normal, item.architecture.reduction):
            assert all(any(edge.source == node - 1 for edge in cell.incoming(node)) for node in cell.intermediates)
    assert every == [item for item, _ in chains(Namespace(count=12))]


def test_outputs_of_policies_are_of_published_and_random_inputs_of_both_spaces(tmp_path):
    config = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    for space in ("fully_concat", "loose_end"):
        torch.manual_seed(0)
        save_policy(tmp_path / space, Policy(config), PolicyCard(space=space, rule="nat++", policy=config, seed=0))
    found = [item for item, _ in outputs(Namespace(policies=tmp_path, count=2))]
    names = [item.name for item in found]
    assert {"DARTS", "DARTS, output", "fully_concat 1, output", "ENAS, output", "loose_end 1, output"} <= set(names)
    assert not any(name.startswith("NAT") for name in names)
    assert {space_of(item.architecture).name for item in found} == {"fully_concat", "loose_end"}
    assert found == [item for item, _ in outputs(Namespace(policies=tmp_path, count=2))]


def test_what_rewards_is_never_judged_on_test_images():
    given = architectures()[0].architecture
    judge, rewards = (PURPOSES[name].budget(given) for name in ("judge", "rewards"))
    assert (judge.judged_on, rewards.judged_on) == ("test", "selection")
    assert judge.epochs > rewards.epochs


def test_a_training_is_recorded_once_and_goes_on_where_it_was_stopped(tmp_path):
    (item,), data, table = named("NAT_DARTS"), coloured_images(), tmp_path / "measured.jsonl"
    asked = iter([False, False, True])
    assert not train(item, 0, TINY, data, table, tmp_path, lambda: next(asked, True))
    assert read_measured(table) == () and list(tmp_path.glob("*.safetensors"))
    assert train(item, 0, TINY, data, table, tmp_path)
    (result,) = read_measured(table)
    assert (result.architecture, result.seed) == ("NAT_DARTS", 0) and not list(tmp_path.glob("*.safetensors"))
    assert train(item, 0, TINY, data, table, tmp_path, lambda: True)  # nothing left to do
