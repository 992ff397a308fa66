"""How quotes differ from the surface behind them: noise, errors that an expiry shares, stale marks, half-spreads."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from ivyspt.corpus.draws import happens, log_uniform, normal, uniform
from ivyspt.corpus_config import Noise

QUARTER = 0.25  # years; noise is as drawn there
LARGEST_TERM_FACTOR = 3.0  # of the noise of short expiries
VOLS = (0.005, 5.0)  # quoted vols stay inside


@dataclass(frozen=True)
class Quotes:
    """Quoted vols and half-spreads in vol (NaN where unknown), decimals."""

    implied_vol: Float[Tensor, "surface point"]
    half_spread: Float[Tensor, "surface point"]


def draw_noise(
    implied_vol: Float[Tensor, "surface point"],
    time_to_maturity: Float[Tensor, "surface point"],
    z: Float[Tensor, "surface point"],
    expiry: Int[Tensor, "surface point"],
    noise: Noise,
    generator: Generator,
) -> Quotes:
    """Quote exact vols.

    Parameters
    ----------
    implied_vol, time_to_maturity, z : tensor
        The exact vol (decimal), years, and standard deviations from the money.
    expiry : tensor
        Position of the expiry whose shared error a point has; -1: a point of no expiry has none.
    noise : Noise
        How large, how often stale, how wide.
    generator : torch.Generator
        Source of the draw.
    """
    one, points = (len(z), 1), z.shape
    scale = log_uniform(noise.scale, one, generator) * ~happens(noise.clean, one, generator)
    short_end = ((QUARTER / time_to_maturity) ** uniform(noise.short_end, one, generator)).clamp(
        1 / LARGEST_TERM_FACTOR, LARGEST_TERM_FACTOR
    )
    wings = 1 + uniform(noise.wing, one, generator) * z**2
    own = normal(noise.jitter, points, generator).exp()
    std = (scale * short_end * wings * own).clamp(max=noise.largest)
    moved = std * normal(1.0, points, generator)
    shared = noise.slice_share * scale * normal(1.0, (len(z), int(expiry.max()) + 2), generator)
    moved += torch.where(expiry >= 0, shared.gather(1, expiry.clamp(min=0)), 0.0)
    moved += _stale_moves(points, noise, generator)
    half_spread = std * implied_vol * uniform(noise.spread_over_noise, one, generator)
    known = happens(noise.spread_known, one, generator)
    return Quotes(
        (implied_vol * moved.exp()).clamp(*VOLS),
        torch.where(known, half_spread.clamp(min=noise.least_half_spread), torch.nan),
    )


def _stale_moves(points: tuple[int, int], noise: Noise, generator: Generator) -> Tensor:
    """Moves of log vol since a quote was last marked: zero but for the stale ones."""
    one = (points[0], 1)
    often = uniform(noise.stale_quotes, one, generator) * happens(noise.stale_surfaces, one, generator)
    stale = uniform((0, 1), points, generator) < often
    side = happens(0.5, points, generator).double() * 2 - 1
    return torch.where(stale, side * uniform(noise.stale_move, points, generator), 0.0)
