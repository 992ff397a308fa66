"""Known dates, such as earnings, that add variance to every later expiry.

An event adds the same total variance at all strikes, spread over one day. Calendar arbitrage cannot arise, since
what is added never falls with maturity. Butterflies: in g (Gatheral & Jacquier 2014, eq. 2.1) a larger w at the same
w_k and w_kk shrinks the negative term, and raises (1 - x)^2, x = k w_k / (2 w), wherever 0 <= x <= 1. For eSSVI
x <= 1/2, since w is homogeneous of degree one in (k, theta) and grows with theta; where x < 0, between the money and
the smile's lowest point, the corpus' tests look at g itself.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from ivyspt.corpus.draws import happens, log_uniform, uniform
from ivyspt.corpus_config import Events

DAY = 1 / 365  # years
QUARTER = 0.25
ONCE = 100.0  # years; longer than any expiry
TRADING_DAYS = 252  # a year


@dataclass(frozen=True)
class Jumps:
    """First date of each surface's event (years ahead), years until it returns, and the variance it adds each time."""

    date: Float[Tensor, "surface 1"]
    period: Float[Tensor, "surface 1"]
    variance: Float[Tensor, "surface 1"]

    def added_variance(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """What the events up to a maturity add to total variance."""
        since = time_to_maturity - self.date
        passed = (since / self.period).floor()
        count = passed + ((since - passed * self.period) / DAY).clamp(max=1)
        return torch.where(since > 0, self.variance * count, 0.0)


def draw_events(
    expiries: Float[Tensor, "surface expiry"],
    listed: Bool[Tensor, "surface expiry"],
    variance: Float[Tensor, "surface expiry"],
    events: Events,
    generator: Generator,
) -> Jumps:
    """Draw events that fall between two expiries, or before the first, on a share of the surfaces.

    Parameters
    ----------
    expiries, listed : tensor
        Years to the expiries in rising order, and which of them there are (the first ones of a row).
    variance : tensor
        Annualised variance at the money of each expiry, without events.
    events : Events
        How often, and how large.
    generator : torch.Generator
        Source of the draw.
    """
    shape = (len(expiries), 1)
    chosen = (uniform((0, 1), shape, generator) * listed.sum(1, keepdim=True)).long()
    after = expiries.gather(1, chosen)
    before = torch.where(chosen > 0, expiries.gather(1, (chosen - 1).clamp(min=0)), 0.0)
    date = before + uniform((0, 1), shape, generator) * (after - before - DAY).clamp(min=0)
    size = log_uniform(events.days, shape, generator).square() / TRADING_DAYS * variance.gather(1, chosen)
    period = torch.where(happens(events.quarterly, shape, generator), QUARTER, ONCE)
    return Jumps(date, period, torch.where(happens(events.share, shape, generator), size, 0.0))
