"""Multi-head attention over the context, over the context and oneself, and over the market's tokens."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.jets import VALUE, Jet
from ivyspt.model.layers import Linear

Memory = tuple[Jet, Jet]  # keys and values, (component, batch, head, token, width)


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention (paper, Encoder Blocks): queries of jets, memory of jets or constants."""

    def __init__(self, dimension: int, heads: int, generator: torch.Generator, output_std: float):
        super().__init__()
        self.heads = heads
        self.query = Linear(dimension, dimension, generator)
        self.key = Linear(dimension, dimension, generator)
        self.value = Linear(dimension, dimension, generator)
        self.output = Linear(dimension, dimension, generator, output_std)

    def _split(self, jet: Jet) -> Jet:
        return jet.unflatten(-1, (self.heads, -1)).transpose(-3, -2)

    def remember(self, tokens: Float[Tensor, "component batch token feature"]) -> Memory:
        """Keys and values of tokens; computed once, they serve any number of queries."""
        return self._split(self.key(tokens)), self._split(self.value(tokens))

    def forward(
        self,
        tokens: Float[Tensor, "component batch point feature"],
        memory: Memory,
        present: Bool[Tensor, "batch token"] | None = None,
        with_self: bool = False,
    ) -> tuple[Jet, Float[Tensor, "batch head point token"]]:
        """Attend from each token to the memory and, if `with_self`, to itself besides.

        Returns the attended jets and the attention weights; with `with_self` the last weight is on oneself.
        """
        query = self._split(self.query(tokens)) / math.sqrt(tokens.shape[-1] // self.heads)
        keys, values = memory
        logits = jets.contract("bhqd,bhmd->bhqm", query, keys)
        if present is not None:
            logits = _hide(logits, ~present[:, None, None, :])
        if not with_self:
            weights = jets.softmax(logits)
            attended = jets.contract("bhqm,bhmd->bhqd", weights, values)
        else:
            own_key, own_value = self.remember(tokens)
            own_logit = jets.multiply(query, own_key).sum(-1, keepdim=True)
            weights = jets.softmax(torch.cat((logits, own_logit), -1))
            attended = jets.contract("bhqm,bhmd->bhqd", weights[..., :-1], values)
            attended = attended + jets.multiply(weights[..., -1:], own_value)
        return self.output(attended.transpose(-3, -2).flatten(-2)), weights[VALUE]


def _hide(logits: Jet, hidden: Bool[Tensor, "batch 1 1 token"]) -> Jet:
    """Give hidden tokens no weight and no derivative."""
    value = logits[VALUE].masked_fill(hidden, -torch.inf)
    if jets.is_value(logits):
        return value[None]
    return torch.cat((value[None], logits[1:].masked_fill(hidden, 0.0)))
