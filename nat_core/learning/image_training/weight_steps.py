"""A phase of training from images: the shared weights take a step on images of their own part."""

from nat_core.learning.image_training.draws import architecture_at, generator
from nat_core.learning.image_training.plan import Phase
from nat_core.learning.image_training.setting import Setting
from nat_core.learning.image_training.state import ImageState
from nat_core.learning.image_training.weight_training import cosine, set_learning_rate, weight_step
from nat_core.learning.images.augmentation import Augmentation
from nat_core.learning.support import parallel


def train_weights(setting: Setting, state: ImageState, phase: Phase, index: int) -> dict[str, float]:
    """Take one step of SGD on this process's share of a batch.

    Raises:
        ValueError: the loss is no longer finite.
    """
    config, data, seed = setting.config.weights, setting.data, setting.config.seed
    number = phase.round * config.steps + index
    rate = cosine(config.learning_rate, number / (config.epochs * config.steps)) if config.decay else None
    set_learning_rate(state.sgd, config.learning_rate if rate is None else rate)
    architecture = architecture_at(
        setting.config.target_space, setting.config.rule, config.transformed_share, seed, "weights", number
    )
    batch = setting.weight_images.batch(number)
    draws = generator(seed, "augmentation", number, device=batch.labels.device)
    augmentation = Augmentation(config.padding, config.flip, config.cutout)
    images = augmentation(batch.images, data.mean, data.deviation, draws)
    own = parallel.own_share(len(batch))
    with parallel.synchronised(state.supernet):
        metrics = weight_step(
            state.supernet, state.sgd, images[own], batch.labels[own], architecture,
            longest_gradient=config.longest_gradient, share_gradients=parallel.average_gradients,
        )  # fmt: skip
    return {**parallel.average(metrics), "weight_learning_rate": state.sgd.param_groups[0]["lr"]}
