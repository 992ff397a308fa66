"""Quoted points of a surface: ragged strikes for each expiry, denser near the money, more puts than calls."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from ivyspt.corpus.draws import log_uniform, normal, uniform
from ivyspt.corpus_config import Clouds

FEWEST = 5  # strikes of an expiry that a listed grid must leave, or its strikes are not rounded to it
COARSEST = 3  # steps of a listed grid below which a strike is not rounded


@dataclass(frozen=True)
class Cloud:
    """Candidate quotes of several surfaces; `listed` says which there are. Arrays are (surface, expiry x strike)."""

    log_moneyness: Float[Tensor, "surface candidate"]
    time_to_maturity: Float[Tensor, "surface candidate"]
    z: Float[Tensor, "surface candidate"]
    expiry: Int[Tensor, "surface candidate"]  # position among the surface's expiries
    listed: Bool[Tensor, "surface candidate"]


def draw_cloud(
    expiries: Float[Tensor, "surface expiry"],
    listed: Bool[Tensor, "surface expiry"],
    standard: Bool[Tensor, "surface 1"],
    std: Float[Tensor, "surface expiry"],
    clouds: Clouds,
    generator: Generator,
) -> Cloud:
    """Draw the strikes of each expiry.

    Parameters
    ----------
    expiries, listed, standard : tensor
        As `draw_expiries` gives them; a vendor's constant maturities keep their strikes off any listed grid.
    std : tensor
        sigma_ATM sqrt(tau) of each expiry: the unit of z.
    clouds : Clouds
        How many strikes, and how far out.
    generator : torch.Generator
        Source of the draw.
    """
    z, there = _places(expiries.shape, clouds, generator)
    there = there & listed[..., None]
    k = z * std[..., None]
    rounded = _round_to_grid(k, clouds, generator)
    new = torch.ones_like(there)
    new[..., 1:] = rounded[..., 1:] != rounded[..., :-1]
    enough = (there & new).sum(-1, keepdim=True) >= FEWEST
    snapped = enough & ~standard[..., None]
    k = torch.where(snapped, rounded, k)
    there = there & (new | ~snapped)
    surfaces, count, strikes = k.shape
    position = torch.arange(count)[None, :, None].expand(k.shape)

    def flat(table: Tensor) -> Tensor:
        return table.reshape(surfaces, count * strikes)

    tau = expiries[..., None].expand(k.shape)
    return Cloud(flat(k), flat(tau), flat(k / std[..., None]), flat(position), flat(there))


def _places(
    shape: tuple[int, int], clouds: Clouds, generator: Generator
) -> tuple[Float[Tensor, "surface expiry strike"], Bool[Tensor, "surface expiry strike"]]:
    """z of each expiry's strikes from left to right, and which of the columns hold one."""
    surfaces = shape[0]
    left = log_uniform(clouds.left, (surfaces, 1), generator)
    right = left * uniform(clouds.right_over_left, (surfaces, 1), generator)
    reach = [
        (wing * normal(clouds.reach_spread, shape, generator).exp()).clamp(max=clouds.max_z) for wing in (left, right)
    ]
    most = log_uniform((clouds.min_strikes, clouds.strikes + 1), (surfaces, 1), generator)
    number = (most * uniform((0.6, 1.0), shape, generator)).floor().clamp(clouds.min_strikes, clouds.strikes)[..., None]
    column = torch.arange(clouds.strikes, dtype=torch.float64)
    offset = uniform((0.1, 0.9), (*shape, 1), generator)  # the forward lies anywhere between two strikes
    place = 2 * (column + offset) / number - 1
    power = uniform(clouds.concentration, (surfaces, 1, 1), generator)
    side = torch.where(place < 0, reach[0][..., None], reach[1][..., None])
    return place.sign() * place.abs() ** power * side, (column < number).expand(place.shape)


def _round_to_grid(
    k: Float[Tensor, "surface expiry strike"], clouds: Clouds, generator: Generator
) -> Float[Tensor, "surface expiry strike"]:
    """Log-moneyness of the listed strike next to each; strikes below a few steps stay where they are."""
    step = log_uniform(clouds.strike_step, (len(k), 1, 1), generator)
    shift = uniform((0, 1), k.shape[:2], generator)[..., None]  # forwards differ by expiry, listed strikes do not
    steps = ((k.exp() / step - shift).round() + shift).clamp(min=COARSEST)
    return torch.where(k.exp() > COARSEST * step, (steps * step).log(), k)
