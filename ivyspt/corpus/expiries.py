"""Sets of expiries as exchanges and vendors list them."""

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from ivyspt.corpus.draws import choose, log_uniform, uniform
from ivyspt.corpus_config import Clouds

YEAR = 365.0  # days
WEEK = 7.0
MONTH = 365.25 / 12
WEEKLIES = torch.arange(9, dtype=torch.float64)  # weeks ahead
MONTHLIES = torch.tensor(
    [*range(13), 15, 18, 21, 24, 27, 30], dtype=torch.float64
)  # months ahead: quarters, then LEAPS
# days; the maturities of vendors' surfaces
STANDARD = torch.tensor([7, 10, 14, 30, 60, 91, 122, 152, 182, 273, 365, 547, 730, 912], dtype=torch.float64)
ABSENT = torch.inf


def draw_expiries(
    count: int, clouds: Clouds, generator: Generator
) -> tuple[Float[Tensor, "surface expiry"], Bool[Tensor, "surface expiry"], Bool[Tensor, "surface 1"]]:
    """Draw each surface's expiries.

    Returns
    -------
    expiries : tensor
        Years, in rising order; where a surface has fewer, the last one is repeated.
    listed : tensor
        Which of them there are: the first ones, at least one.
    standard : tensor
        Whether the surface is a vendor's, with constant maturities.
    """
    styles = {name: getattr(clouds, name) for name in ("weekly", "monthly", "standard", "irregular")}
    style = choose(styles, count, generator)[:, None]
    fridays = _fridays(count, generator)
    weekly, monthly = fridays[:, : len(WEEKLIES)], fridays[:, len(WEEKLIES) :]
    width = fridays.shape[1]
    candidates = torch.stack(
        [
            fridays,
            torch.cat((torch.full_like(weekly, ABSENT), monthly), 1),
            torch.nn.functional.pad(STANDARD.expand(count, -1), (0, width - len(STANDARD)), value=ABSENT),
            log_uniform(clouds.days, (count, width), generator),
        ]
    )
    days = candidates[style[:, 0], torch.arange(count)]
    first, last = clouds.days
    days = torch.where((days >= first) & (days <= last), days, ABSENT).sort(1).values
    days = torch.where(torch.cat((torch.zeros(count, 1), days[:, :-1]), 1) == days, ABSENT, days)  # weekly and monthly
    wanted = uniform((1, clouds.expiries + 1), (count, 1), generator).floor()
    key = torch.where(days < ABSENT, uniform((0, 1), days.shape, generator), ABSENT)
    rank = key.argsort(1).argsort(1)
    days = torch.where(rank < wanted, days, ABSENT).sort(1).values[:, : clouds.expiries]
    days[:, 0] = torch.where(days[:, 0] < ABSENT, days[:, 0], last)  # where a calendar has none in the range
    listed = days < ABSENT
    longest = torch.where(listed, days, 0.0).amax(1, keepdim=True)
    return torch.where(listed, days, longest) / YEAR, listed, style == list(styles).index("standard")


def _fridays(count: int, generator: Generator) -> Float[Tensor, "surface candidate"]:
    """Days to the coming Fridays, and to the Fridays that close a month's options, at any time of day."""
    first = uniform((0, WEEK), (count, 1), generator)
    phase = uniform((0, MONTH), (count, 1), generator)
    monthly = ((phase + MONTH * MONTHLIES) / WEEK).floor()
    return first + WEEK * torch.cat((WEEKLIES.expand(count, -1), monthly), 1)
