"""Encoder blocks and the stack of them (paper, Surface Encoding)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt.config import Model
from ivyspt.jets import Jet
from ivyspt.model.attention import Memory, MultiHeadAttention
from ivyspt.model.gating import AddedFusion, GatedFusion
from ivyspt.model.layers import FeedForward, LayerNorm

WEIGHT_STD = 0.02


@dataclass(frozen=True)
class Attended:
    """What one block looked at: weights on context (and self, last) and on the market's tokens, and the gate."""

    own: Float[Tensor, "batch head point token"]
    market: Float[Tensor, "batch head point feature"] | None
    gate: Float[Tensor, "batch point feature"] | None


class EncoderBlock(nn.Module):
    """Self-attention and attention to the market side by side, fused, then a feed-forward network.

    The last projections of self-attention and feed-forward in block l = 1, 2, … start at std 0.02/√(2l).
    """

    def __init__(self, settings: Model, depth: int, generator: torch.Generator):
        super().__init__()
        d = settings.dimension
        rescaled = WEIGHT_STD / math.sqrt(2 * depth)
        self.self_attention = MultiHeadAttention(d, settings.heads, generator, rescaled)
        self.self_norm = LayerNorm(d)
        if settings.external_attention:
            self.market_attention = MultiHeadAttention(d, settings.heads, generator, WEIGHT_STD)
            self.market_norm = LayerNorm(d)
            gated = settings.fusion == "gate"
            self.fusion = GatedFusion(d, settings.gate_bias, generator) if gated else AddedFusion()
        else:
            self.market_attention = None
        self.fusion_norm = LayerNorm(d)
        self.feed_forward = FeedForward(d, settings.feed_forward, settings.dropout, generator)
        self.feed_forward.fall.weight.data.mul_(rescaled / WEIGHT_STD)
        self.output_norm = LayerNorm(d)

    def remember(self, tokens: Jet, market: Float[Tensor, "batch feature d"]) -> tuple[Memory, Memory | None]:
        """Keys and values of the tokens and of the market."""
        market_memory = None if self.market_attention is None else self.market_attention.remember(market[None])
        return self.self_attention.remember(tokens), market_memory

    def forward(
        self,
        tokens: Jet,
        memory: tuple[Memory, Memory | None],
        present: Bool[Tensor, "batch token"] | None,
        with_self: bool,
        generator: torch.Generator | None,
    ) -> tuple[Jet, Attended]:
        """Move tokens one block up."""
        own_memory, market_memory = memory
        attended, own_weights = self.self_attention(tokens, own_memory, present, with_self)
        own = self.self_norm(tokens + attended)
        market_weights = gate = None
        if market_memory is None:
            fused = own
        else:
            answer, market_weights = self.market_attention(tokens, market_memory)
            fused, gate = self.fusion(own, self.market_norm(tokens + answer))
        tokens = self.fusion_norm(tokens + fused)
        tokens = self.output_norm(tokens + self.feed_forward(tokens, generator))
        return tokens, Attended(own_weights, market_weights, gate)


class SurfaceEncoder(nn.Module):
    """The stack of blocks.

    Context attends to context; a target attends to the context and to itself alone, so that an answer depends neither
    on what else is asked nor on the context's order. With `target_attention: all` every token sees every token, as
    published.
    """

    def __init__(self, settings: Model, generator: torch.Generator):
        super().__init__()
        self.sees_all = settings.target_attention == "all"
        self.blocks = nn.ModuleList(EncoderBlock(settings, depth, generator) for depth in range(1, settings.blocks + 1))

    def forward(
        self,
        context: Jet,
        present: Bool[Tensor, "batch context"],
        targets: Jet,
        asked: Bool[Tensor, "batch target"],
        market: Float[Tensor, "batch feature d"],
        generator: torch.Generator | None,
    ) -> tuple[Jet, list[Attended]]:
        """Encoded targets, and what each block's targets looked at."""
        if self.sees_all:
            return self._forward_together(context, present, targets, asked, market, generator)
        attended = []
        for block in self.blocks:
            memory = block.remember(context, market)
            targets, looked = block(targets, memory, present, True, generator)
            attended.append(looked)
            if block is not self.blocks[-1]:
                context, _ = block(context, memory, present, False, generator)
        return targets, attended

    def _forward_together(self, context, present, targets, asked, market, generator):
        components = targets.shape[0]
        filled = torch.cat((context, context.new_zeros((components - 1, *context.shape[1:]))))
        tokens = torch.cat((filled, targets), 2)
        seen = torch.cat((present, asked), 1)
        attended = []
        for block in self.blocks:
            memory = block.remember(tokens, market)
            if block is self.blocks[-1]:
                tokens = tokens[:, :, context.shape[2] :]
            tokens, looked = block(tokens, memory, seen, False, generator)
            attended.append(looked)
        return tokens, attended
