"""A phase of the alternating schedule: the policy takes a step of REINFORCE on rewards by the shared weights.

NAT (arXiv 1910.14488), algorithm 1. All architectures of a step are evaluated on the same minibatch; an input once for
all its samples, and equal architectures once.
"""

from nat_core.learning.image_training.plan import Phase
from nat_core.learning.image_training.setting import Setting
from nat_core.learning.image_training.state import ImageState
from nat_core.learning.images.parts import ImagePart


def train_policy(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """One step on the next minibatch of the rewards' images."""
    number = state.learner.step

    def images() -> ImagePart:
        return setting.minibatches.batch(number)

    source = setting.changing(setting.evaluator(("minibatch", number), state.supernet, images))
    metrics = setting.trainer("minibatches", lambda: source).step(state.learner)
    state.learner.step += 1
    return metrics
