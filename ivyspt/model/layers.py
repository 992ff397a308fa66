"""Layers whose inputs and outputs are jets."""

import torch
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.jets import Jet


class Linear(nn.Module):
    """Affine map of the last axis; weights drawn from N(0, std²), zero bias (paper, Model Initialization)."""

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator, std: float = 0.02):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_(0.0, std, generator=generator))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, jet: Jet) -> Jet:
        """Map `(component, …, inputs)` to `(component, …, outputs)`."""
        if jets.is_value(jet):
            return nn.functional.linear(jet, self.weight, self.bias)
        return jets.add_constant(nn.functional.linear(jet, self.weight), self.bias)


class LayerNorm(nn.Module):
    """Layer normalisation of the last axis with learnable scale and shift."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, jet: Jet) -> Jet:
        """Normalise a jet."""
        return jets.layer_norm(jet, self.weight, self.bias)


class Dropout(nn.Module):
    """Dropout that zeroes a feature with all its derivatives and draws from the generator it is given."""

    def __init__(self, proportion: float):
        super().__init__()
        self.proportion = proportion

    def forward(self, jet: Jet, generator: torch.Generator | None) -> Jet:
        """Drop features while training; a generator is then required."""
        if not self.training or self.proportion == 0:
            return jet
        draws: Tensor = torch.rand(jet.shape[1:], generator=generator, device=generator.device).to(jet.device)
        return jet * ((draws >= self.proportion) / (1 - self.proportion))


class FeedForward(nn.Module):
    """Two affine maps with GELU and dropout between them (paper, Encoder Blocks)."""

    def __init__(self, dimension: int, expansion: int, dropout: float, generator: torch.Generator):
        super().__init__()
        self.rise = Linear(dimension, expansion * dimension, generator)
        self.fall = Linear(expansion * dimension, dimension, generator)
        self.dropout = Dropout(dropout)

    def forward(self, jet: Jet, generator: torch.Generator | None) -> Jet:
        """Map tokens to tokens, each on its own."""
        return self.fall(self.dropout(jets.gelu(self.rise(jet)), generator))
