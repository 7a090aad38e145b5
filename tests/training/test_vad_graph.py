"""Convolutions written as one product."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.vad_graph import dense


@pytest.mark.parametrize(("n_in", "stride"), [(4, 1), (4, 2), (2, 2), (1, 1)])
def test_a_convolution_is_one_product(n_in: int, stride: int) -> None:
    rng = np.random.default_rng(n_in)
    kernel = rng.standard_normal((5, 3, 3)).astype(np.float32)
    frames = rng.standard_normal((7, n_in, 3)).astype(np.float32)
    wanted = torch.nn.functional.conv1d(
        torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(kernel), stride=stride, padding=1
    ).transpose(1, 2)
    found = frames.reshape(7, -1) @ dense(kernel, n_in, stride)
    np.testing.assert_allclose(found, wanted.reshape(7, -1).numpy(), rtol=1e-5, atol=1e-5)
