"""Several processes at one command, as torchrun starts them: the first does what the command says, the others help."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def followed(kind: str = "train-images", detach: bool = False) -> bool:
    """Joins the other processes, if torchrun has started some; in all but the first, helps until the work is done.

    Returns:
        Whether this process has helped and is done.

    Raises:
        ValueError: this kind of work, or work in the background, cannot be shared.
    """
    from nat_core.learning.support import parallel

    if parallel.expected() == 1:
        return False
    if kind != "train-images" or detach:
        raise ValueError("under torchrun, policies are trained from images and in the foreground only")
    device = parallel.join()
    if parallel.is_leader():
        return False
    _help(device or "cpu")
    return True


def _help(device: "torch.device | str") -> None:
    from nat_core.learning.image_training.loop import train_on_images
    from nat_core.learning.support.hooks import Hooks
    from nat_core.runs.processes import stop_signals

    with stop_signals() as should_stop:
        train_on_images(None, device=device, hooks=Hooks(should_stop=should_stop))
