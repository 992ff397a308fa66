"""Two-dimensional sinusoidal positional encoding (paper, Surface Embedding)."""

import math

import torch
from torch import nn

from ivyspt import jets
from ivyspt.jets import Jet


class SinusoidalEncoding2D(nn.Module):
    """Sines and cosines of both coordinates at the frequencies base^(-4i/d), i = 0, …, d/4 - 1.

    The base starts at 10 000 and is learnable; its logarithm is the parameter, so it stays positive.
    """

    def __init__(self, dimension: int, base: float):
        super().__init__()
        self.log_base = nn.Parameter(torch.tensor(math.log(base)))
        self.register_buffer("exponents", -4 * torch.arange(dimension // 4) / dimension, persistent=False)

    def forward(self, first: Jet, second: Jet) -> Jet:
        """Encode coordinates `(component, …)` as `(component, …, dimension)`, interleaved as in the paper."""
        frequencies = torch.exp(self.log_base * self.exponents)
        angles = [coordinate[..., None] * frequencies for coordinate in (first, second)]
        parts = [wave(angle) for angle in angles for wave in (jets.sine, jets.cosine)]
        return torch.stack(parts, -1).flatten(-2)
