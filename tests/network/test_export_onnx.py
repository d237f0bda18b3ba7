import numpy as np
import pytest
import torch

from nat_core.architecture.library import library
from nat_core.network import export_onnx
from nat_core.network.config import NetworkConfig
from nat_core.network.networks import build_network
from tests.network.test_export_torch import CASES, randomise

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def run(model: bytes, images: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images.numpy()})[0]


@pytest.mark.parametrize("case", CASES)
def test_the_file_computes_the_same_for_any_batch(case):
    architecture, config = CASES[case]
    torch.manual_seed(1)
    network = build_network(architecture, config)
    randomise(network)
    model = export_onnx.onnx_of(network, config)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    images = torch.randn(3, 3, config.resolution, config.resolution)
    with torch.no_grad():
        expected = network(images).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(run(model, images), expected, atol=1e-4, rtol=1e-4)


def test_fresh_weights_follow_the_seed_and_leave_torchs_own_numbers_alone():
    architecture, config = library()["DARTS"].architecture, NetworkConfig("cifar", 4, 3, 8, 10)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (export_onnx.onnx_file(architecture, config, seed) for seed in (0, 0, 1))
    assert torch.rand(1) == expected
    assert first == again != other
    described = onnx.load_from_string(first).doc_string
    assert described.startswith("CIFAR, C 4, L 3, 8×8") and "Genotype(" in described


def test_without_the_package_one_sentence(monkeypatch):
    monkeypatch.setattr(export_onnx, "find_spec", lambda name: None)
    architecture, config = CASES["fully concat"]
    with pytest.raises(ValueError, match="need the package onnx"):
        export_onnx.onnx_file(architecture, config)
