"""The benchmark of streamed images, on a few small ones."""

import pytest

from benchmarks import streaming
from tests.support.image_folder import make_image_folder


@pytest.mark.slow
def test_figures_of_a_small_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "_ROUNDS", 1)
    monkeypatch.setenv("NAT_LAB_WORKERS", "1")
    folder = make_image_folder(tmp_path / "pictures", images=60, classes=3, sides=(70, 120))
    decoder, loader, quotient, peak, duration = streaming.rows(folder, 40)
    assert decoder.value / loader.value == pytest.approx(quotient.value)
    assert 200 < peak.value < 1536 and peak.met and duration.value > 0
