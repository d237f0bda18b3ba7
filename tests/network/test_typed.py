import pytest
import torch
from torch import nn

from nat_core.network.typed import channels_last, members


def test_channels_last_changes_the_layout_and_not_the_values():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    before = module[0].weight.clone()
    assert channels_last(module) is module
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not module[0].weight.is_contiguous()
    assert torch.equal(module[0].weight, before)


def test_members_are_the_modules_in_order():
    modules = nn.ModuleList([nn.ReLU(), nn.ReLU()])
    assert members(modules, nn.ReLU) == [*modules]


def test_members_of_another_kind_are_an_error():
    with pytest.raises(TypeError, match="1 of 2 modules are no ReLU"):
        members(nn.ModuleList([nn.ReLU(), nn.Identity()]), nn.ReLU)
