import random

import torch

from nat_core.architecture.spaces import SPACES
from nat_core.learning.image_training.draws import Passes, architecture_at, generator, seed_of
from nat_core.learning.images.parts import ImagePart

PART = ImagePart(torch.zeros(10, 3, 2, 2, dtype=torch.uint8), torch.arange(10))


def test_seeds_depend_on_everything_and_fit_a_generator():
    seeds = {seed_of(0, "a"), seed_of(1, "a"), seed_of(0, "b"), seed_of(0, "a", 0), seed_of(0, "a0")}
    assert len(seeds) == 5 and all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(3, "x") == seed_of(3, "x")


def test_batches_pass_through_all_images_again_and_again():
    passes = Passes(PART, 4, 7, "test")
    batches = [passes.batch(number).labels.tolist() for number in range(5)]
    assert all(len(batch) == 4 for batch in batches)
    order = [label for batch in batches for label in batch]
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert order[:10] != order[10:]


def test_a_batch_is_the_same_whatever_was_drawn_before():
    assert Passes(PART, 4, 7, "test").batch(3).labels.tolist() == Passes(PART, 4, 7, "test").batch(3).labels.tolist()
    assert Passes(PART, 4, 7, "test").batch(3).labels.tolist() != Passes(PART, 4, 8, "test").batch(3).labels.tolist()


def test_a_batch_may_be_larger_than_the_part():
    counts = Passes(PART, 25, 1).batch(0).labels.bincount()
    assert counts.sum() == 25 and counts.min() == 2 and counts.max() == 3


def test_architectures_and_generators_are_of_their_purpose():
    space, state = SPACES["fully_concat"], random.getstate()
    first = [architecture_at(space, "nat++", 0.5, 1, "a", i) for i in range(4)]
    assert first == [architecture_at(space, "nat++", 0.5, 1, "a", i) for i in range(4)]
    assert len(set(first)) == 4 and random.getstate() == state
    assert torch.rand(1, generator=generator(1, "x")) == torch.rand(1, generator=generator(1, "x"))
