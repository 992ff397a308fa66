"""Fusion of self-attention and attention to the market."""

import torch
from torch import nn

from ivyspt import jets
from ivyspt.jets import VALUE, Jet
from ivyspt.model.layers import Linear


class GatedFusion(nn.Module):
    """A weighted average whose weight is learnt per feature (paper, Gated Attention Fusion).

    A large bias starts it at self-attention alone: at 10 the market's share is 4.5e-5.
    """

    def __init__(self, dimension: int, bias: float, generator: torch.Generator):
        super().__init__()
        self.gate = Linear(2 * dimension, dimension, generator)
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, own: Jet, market: Jet) -> tuple[Jet, torch.Tensor]:
        """Fused jets, and the gate's value (1: the market is ignored)."""
        gate = jets.sigmoid(self.gate(torch.cat((own, market), -1)))
        return market + jets.multiply(gate, own - market), gate[VALUE]


class AddedFusion(nn.Module):
    """The plain sum, for the ablation without a gate."""

    def forward(self, own: Jet, market: Jet) -> tuple[Jet, None]:
        """Sum of the two; there is no gate."""
        return own + market, None
