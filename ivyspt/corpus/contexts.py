"""Which quotes of a cloud are shown and which are held out, by the patterns in which quotes are missing."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from ivyspt.corpus.clouds import Cloud
from ivyspt.corpus.draws import choose, log_uniform, uniform
from ivyspt.corpus_config import Contexts

HIDDEN, SHOWN, ABSENT = 10.0, 100.0, 1000.0  # added to a random order in [0, 10): these come later
FEWEST = 3  # quotes shown
NINE = 9  # three strikes of three expiries


def shown_and_held_out(
    cloud: Cloud, context: int, targets: int, contexts: Contexts, generator: Generator
) -> tuple[
    Int[Tensor, "surface context"],
    Bool[Tensor, "surface context"],
    Int[Tensor, "surface target"],
    Bool[Tensor, "surface target"],
]:
    """Positions in the cloud of shown quotes and of held-out ones, and which columns hold one.

    At least three quotes are shown; where a pattern leaves fewer, hidden ones are added at random.
    """
    patterns = list(contexts.patterns)
    pattern = choose(contexts.patterns, len(cloud.z), generator)[:, None]
    hidden, order = _hidden_by_pattern(cloud, pattern, patterns, generator)
    key = order + HIDDEN * hidden + ABSENT * ~cloud.listed
    width = key.shape[1]
    shown = key.topk(min(context, width), 1, largest=False).indices  # in rising order
    low, high = contexts.quotes
    wanted = log_uniform((low, high + 1), (len(shown), 1), generator).floor()
    if "nine_quotes" in patterns:
        wanted = torch.where(pattern == patterns.index("nine_quotes"), float(NINE), wanted)
    visible = (cloud.listed & ~hidden).sum(1, keepdim=True)
    wanted = torch.minimum(wanted, visible).clamp(min=FEWEST)
    present = torch.arange(shown.shape[1]) < wanted
    taken = torch.zeros_like(cloud.listed).scatter(1, shown, present)
    later = uniform((0, HIDDEN), key.shape, generator) + SHOWN * taken + ABSENT * ~cloud.listed
    later, held_out = later.topk(min(targets, width), 1, largest=False)
    return shown, present, held_out, later < SHOWN


def _hidden_by_pattern(
    cloud: Cloud, pattern: Int[Tensor, "surface 1"], patterns: list[str], generator: Generator
) -> tuple[Bool[Tensor, "surface candidate"], Float[Tensor, "surface candidate"]]:
    """Which quotes each surface's pattern hides, and the order in [0, 10) in which the others are shown."""
    order = uniform((0, 1), cloud.z.shape, generator)
    hidden = torch.zeros_like(cloud.listed)
    masks = {
        "near_the_money": _far_from_the_money,
        "wings_hidden": _in_a_wing,
        "expiries_hidden": _of_a_hidden_expiry,
        "short_end_hidden": _short,
        "long_end_hidden": _long,
        "nine_quotes": _beside_the_nine,
        "one_expiry": _of_another_expiry,
    }
    for position, name in enumerate(patterns):
        rows = (pattern[:, 0] == position).nonzero()[:, 0]
        if len(rows) and name in masks:
            hidden[rows] = masks[name](_rows(cloud, rows), generator)
        elif len(rows) and name == "clustered":
            order[rows] = _distance_to_centres(_rows(cloud, rows), generator)
    return hidden, order


def _rows(cloud: Cloud, rows: Tensor) -> Cloud:
    return Cloud(
        cloud.log_moneyness[rows],
        cloud.time_to_maturity[rows],
        cloud.z[rows],
        cloud.expiry[rows],
        cloud.listed[rows],
    )


def _some(cloud: Cloud, count: int, generator: Generator) -> Int[Tensor, "surface count"]:
    """Positions of a few listed quotes at random."""
    key = torch.where(cloud.listed, uniform((0, 1), cloud.z.shape, generator), -1.0)
    return key.topk(count, 1).indices


def _distance_to_centres(cloud: Cloud, generator: Generator) -> Tensor:
    """Distance to the nearest of one to three quotes, in standard deviations and halves of log tau, below 10."""
    centres = _some(cloud, 3, generator)
    used = torch.arange(3) < uniform((1, 4), (len(centres), 1), generator).floor()

    def apart(coordinate: Tensor) -> Tensor:
        return coordinate[:, :, None] - coordinate.gather(1, centres)[:, None, :]

    distance = (apart(cloud.z) ** 2 + 4 * apart(cloud.time_to_maturity.log()) ** 2).sqrt()
    nearest = torch.where(used[:, None, :], distance, torch.inf).amin(2)
    return HIDDEN * nearest / (1 + nearest)


def _far_from_the_money(cloud: Cloud, generator: Generator) -> Tensor:
    return cloud.z.abs() > uniform((0.3, 1.0), (len(cloud.z), 1), generator)


def _in_a_wing(cloud: Cloud, generator: Generator) -> Tensor:
    """Beyond a z on the left, on the right, or on both sides."""
    side = uniform((0, 3), (len(cloud.z), 1), generator)
    edge = uniform((0.2, 1.2), (len(cloud.z), 1), generator)
    return ((cloud.z > edge) & (side < 2)) | ((cloud.z < -edge) & (side > 1))


def _of_a_hidden_expiry(cloud: Cloud, generator: Generator) -> Tensor:
    """Each expiry is hidden with a probability of the surface's own."""
    surfaces, expiries = len(cloud.z), int(cloud.expiry.max()) + 1
    hidden = uniform((0, 1), (surfaces, expiries), generator) < uniform((0.3, 0.85), (surfaces, 1), generator)
    return hidden.gather(1, cloud.expiry)


def _bounds_of_log_tau(cloud: Cloud) -> tuple[Tensor, Tensor]:
    log_tau = cloud.time_to_maturity.log()
    shortest = torch.where(cloud.listed, log_tau, torch.inf).amin(1, keepdim=True)
    longest = torch.where(cloud.listed, log_tau, -torch.inf).amax(1, keepdim=True)
    return shortest, longest


def _short(cloud: Cloud, generator: Generator) -> Tensor:
    """Before a point between a fifth and three fifths of the way, in log tau."""
    shortest, longest = _bounds_of_log_tau(cloud)
    share = uniform((0.2, 0.6), shortest.shape, generator)
    return cloud.time_to_maturity.log() < shortest + share * (longest - shortest)


def _long(cloud: Cloud, generator: Generator) -> Tensor:
    """After a point between two fifths and four fifths of the way, in log tau."""
    shortest, longest = _bounds_of_log_tau(cloud)
    share = uniform((0.4, 0.8), shortest.shape, generator)
    return cloud.time_to_maturity.log() > shortest + share * (longest - shortest)


def _beside_the_nine(cloud: Cloud, generator: Generator) -> Tensor:
    """All but the strikes next to three places of three expiries (of fewer where there are fewer)."""
    surfaces, expiries = len(cloud.z), int(cloud.expiry.max()) + 1
    strikes = torch.zeros(surfaces, expiries, dtype=torch.long).scatter_add(1, cloud.expiry, cloud.listed.long())
    key = torch.where(strikes > 0, uniform((0, 1), strikes.shape, generator), 2.0)
    chosen = (key.argsort(1).argsort(1) < 3).gather(1, cloud.expiry) & cloud.listed
    wide = uniform((0.5, 1.5), (surfaces, 1), generator)
    hidden = torch.ones_like(cloud.listed)
    for place in (-1.0, 0.0, 0.7):  # calls are listed less far out
        gap = torch.where(chosen, (cloud.z - place * wide).abs(), torch.inf)
        nearest = torch.full((surfaces, expiries), torch.inf, dtype=gap.dtype)
        nearest = nearest.scatter_reduce(1, cloud.expiry, gap, "amin")
        hidden &= ~(chosen & (gap == nearest.gather(1, cloud.expiry)))
    return hidden


def _of_another_expiry(cloud: Cloud, generator: Generator) -> Tensor:
    return cloud.expiry != cloud.expiry.gather(1, _some(cloud, 1, generator))
