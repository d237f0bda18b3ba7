import pytest
import torch

from nat_core.learning.images.augmentation import Augmentation, crop_and_flip, cut_out

MEAN, DEVIATION = (120.0, 125.0, 130.0), (60.0, 62.0, 64.0)


def random_images(count, device="cpu", side=12):
    generator = torch.Generator(device).manual_seed(7)
    return torch.randint(1, 256, (count, 3, side, side), dtype=torch.uint8, device=device, generator=generator)


def generator(device="cpu", seed=0):
    return torch.Generator(device).manual_seed(seed)


def test_every_crop_is_a_window_of_the_padded_image_and_all_windows_occur(device):
    images = random_images(300, device)
    moved = crop_and_flip(images, 1, True, generator(device))
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))
    found = torch.zeros(300, 3, 3, 2, dtype=torch.bool)
    for down in range(3):
        for right in range(3):
            window = padded[:, :, down : down + 12, right : right + 12]
            for flip, view in enumerate((window, window.flip(3))):
                found[:, down, right, flip] = (view == moved).flatten(1).all(1).cpu()
    assert (found.flatten(1).sum(1) == 1).all()
    assert found.any(0).all()
    assert 100 < found[..., 1].sum() < 200


def test_cutout_zeros_one_square_cut_off_at_the_border(device):
    result = cut_out(torch.ones(500, 2, 12, 12, device=device), 4, generator(device))
    assert torch.equal(result[:, 0], result[:, 1])
    rows, columns = ((result[:, 0] == 0).any(axis).sum(1).cpu() for axis in (2, 1))
    assert ((result[:, 0] == 0).sum((1, 2)).cpu() == rows * columns).all()
    for sides in (rows, columns):  # centres 0 to 11 of squares from centre − 2 to centre + 1
        assert sides.min() == 2
        assert sides.max() == 4


def test_without_augmentation_images_are_only_normalised(device):
    images = random_images(5, device)
    result = Augmentation(padding=0, flip=False, cutout=0)(images, MEAN, DEVIATION, generator(device))
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, DEVIATION))
    assert torch.allclose(result, (images - mean) / deviation)


def test_the_whole_is_float_channels_last_and_repeatable(device):
    images = random_images(20, device)
    one, same, other = (Augmentation()(images, MEAN, DEVIATION, generator(device, seed)) for seed in (1, 1, 2))
    assert one.dtype == torch.float32
    assert one.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("values", [{"padding": -1}, {"cutout": 1.5}, {"padding": True}])
def test_sizes_out_of_range(values):
    with pytest.raises(ValueError, match="accepted: whole numbers from 0 to 256"):
        Augmentation(**values)
