import torch

from benchmarks.judge import REPEATED, SPACE, architectures, jobs
from benchmarks.speeds import outputs
from nat_core.architecture.spaces import space_of
from nat_core.learning.checkpoint import PolicyCard, save_policy
from nat_core.learning.policy import Policy, PolicyConfig


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
    every = list(jobs())
    assert [seed for _, seed in every].count(1) == REPEATED
    assert len({(item.genotype, seed) for item, seed in every}) == len(every)


def test_outputs_of_policies_are_of_both_spaces_in_turns(tmp_path):
    config = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    for space in ("fully_concat", "loose_end"):
        torch.manual_seed(0)
        save_policy(tmp_path / space, Policy(config), PolicyCard(space=space, rule="nat++", policy=config, seed=0))
    found = list(outputs(tmp_path, 8))
    assert {space_of(item).name for item in found} == {"fully_concat", "loose_end"} and 4 <= len(found) <= 8
    assert found == list(outputs(tmp_path, 8))
