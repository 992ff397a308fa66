"""The network's trunk: context tokens, and query tokens that read them block by block.

The blocks are the paper's (self-attention and attention to the market side by side, gated fusion, feed-forward), with
the norm in front of each part and a bias of the attention that is linear in relative coordinates.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

RELATIVE = 5  # features of one point's place relative to another's


def relative(to: Float[Tensor, "batch point 2"], at: Float[Tensor, "batch token 2"]) -> Tensor:
    """Signed and absolute coordinate differences and the squared distance, (batch, point, token, feature)."""
    gap = at[:, None] - to[:, :, None]
    return torch.cat((gap, gap.abs(), gap.square().sum(-1, keepdim=True)), -1)


class Block(nn.Module):
    """Move tokens one block up, reading a memory of tokens and the market."""

    def __init__(self, dimension: int, heads: int, expansion: int, gate_bias: float):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dimension)
        self.query = nn.Linear(dimension, 2 * dimension)  # of the tokens and of the market
        self.key_value = nn.Linear(dimension, 2 * dimension)
        self.market_key_value = nn.Linear(dimension, 2 * dimension)
        self.place = nn.Linear(RELATIVE, heads, bias=False)
        self.gate = nn.Linear(2 * dimension, dimension)
        nn.init.constant_(self.gate.bias, gate_bias)
        self.output = nn.Linear(dimension, dimension)
        self.feed_norm = nn.LayerNorm(dimension)
        self.rise = nn.Linear(dimension, expansion * dimension)
        self.fall = nn.Linear(expansion * dimension, dimension)

    def remember(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the context's tokens."""
        return self._split(self.key_value(self.norm(tokens)))

    def remember_market(self, market: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the market's tokens."""
        return self._split(self.market_key_value(market))

    def forward(
        self, tokens: Tensor, memory, market, place: Tensor, hidden: Float[Tensor, "batch 1 1 token"]
    ) -> Tensor:
        """`hidden` is -inf for padding; `place` the relative features of tokens to memory."""
        own_query, market_query = self._split(self.query(self.norm(tokens)))
        bias = linear(place, self.place.weight).permute(0, 3, 1, 2) + hidden
        own = scaled_dot_product_attention(own_query, *memory, attn_mask=bias)
        foreign = scaled_dot_product_attention(market_query, *market)
        own, foreign = (each.transpose(1, 2).flatten(-2) for each in (own, foreign))
        gate = self.gate(torch.cat((own, foreign), -1)).sigmoid()
        tokens = tokens + self.output(foreign + gate * (own - foreign))
        return tokens + self.fall(gelu(self.rise(self.feed_norm(tokens))))

    def _split(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, token, 2 d) to twice (batch, head, token, d / heads)."""
        return tokens.unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()


class MarketTokens(nn.Module):
    """One token a feature; a missing feature (NaN) is a token of its own."""

    def __init__(self, features: int, dimension: int):
        super().__init__()
        self.direction = nn.Parameter(torch.randn(features, dimension) * 0.1)
        self.offset = nn.Parameter(torch.randn(features, dimension) * 0.1)
        self.missing = nn.Parameter(torch.randn(features, dimension) * 0.1)

    def forward(self, features: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature d"]:
        """Tokens of scaled features."""
        known = ~features.isnan()
        value = torch.where(known, features, 0.0)[..., None]
        return torch.where(known[..., None], value * self.direction + self.offset, self.missing)


class KernelSmoother(nn.Module):
    """The paper's continuous kernel embedding, few channels: kernel-weighted means of the context's values."""

    def __init__(self, channels: int, floor: float):
        super().__init__()
        q = torch.arange(1, channels + 1) / (channels + 1)
        spacing = math.sqrt(2) * torch.erfinv(q)
        self.register_buffer("rate", 0.5 / (spacing.square() + floor**2), persistent=False)
        self.log_scale = nn.Parameter(torch.zeros(2))

    def forward(self, at: Tensor, context: Tensor, values: Tensor, present: Bool[Tensor, "batch context"]) -> Tensor:
        """(batch, point, channel)."""
        scale = self.log_scale.exp()
        distance = ((at[:, :, None] - context[:, None]).square() * scale).sum(-1) / scale.mean()
        distance = distance.masked_fill(~present[:, None], 1e6)
        weight = (-distance[:, :, None] * self.rate[:, None]).softmax(-1)
        return (weight * values[:, None, None]).sum(-1)
