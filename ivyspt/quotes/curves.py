"""From chains to the forward and discount factor of each slice, by parity where it speaks and by carry elsewhere."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ivyspt.config import Forwards
from ivyspt.quotes.chains import Chains, Prices
from ivyspt.quotes.dividends import Distributions
from ivyspt.quotes.forwards import Pairs, complete_forwards, discount_factors, forward_errors, parity_forwards

LEAST_ERROR = 1e-6  # of a pair's price over its strike: two quotes without a spread are still rounded to a tick


@dataclass(frozen=True)
class Curve:
    """Forward and discount factor of each slice and how they were found."""

    forward: Float[np.ndarray, " slice"]
    discount: Float[np.ndarray, " slice"]
    route: np.ndarray  # parity; carry (fewer near pairs than asked for); spot; none
    pairs: Int[np.ndarray, " slice"]  # near pairs behind a parity forward
    residual: Float[np.ndarray, " slice"]  # their median distance from it, over the forward
    discount_share: Float[np.ndarray, " slice"]  # of the quotes in the discount factor; the rest is the rate curve's


def pairs_of(chains: Chains, kept: Bool[np.ndarray, " quote"], prices: Prices) -> Pairs:
    """Strikes whose call and put are both kept."""
    calls, puts = chains.sides()
    both = (calls >= 0) & (puts >= 0)
    both[both] &= kept[calls[both]] & kept[puts[both]]
    calls, puts = calls[both], puts[both]
    strike = chains.strike[calls]
    half_spread = (prices.ask - prices.bid) / 2
    # a mark tells nothing of its error: all pairs of such a slice weigh the same
    error = np.nan_to_num(half_spread[calls] + half_spread[puts], nan=0.0)
    call, put = prices.mid[calls], prices.mid[puts]
    return Pairs(chains.slice[calls], strike, call - put, call + put, np.hypot(error, LEAST_ERROR * strike))


def imply_curve(
    chains: Chains,
    pairs: Pairs,
    prior: Float[np.ndarray, " slice"],
    settings: Forwards,
    distributions: Distributions | None = None,
) -> Curve:
    """Forward and discount factor of every slice; `prior` is the zero rate that the quotes' own shrinks to.

    `distributions` give the dividends of slices whose forward comes from the spot price.
    """
    discount, share = discount_factors(pairs, chains.slices, prior, settings)
    forward, count, residual = parity_forwards(pairs, discount, settings)
    forward = np.where(forward > 0, forward, np.nan)
    error = forward_errors(residual, count, chains.surface)
    forward, from_spot = complete_forwards(forward, error, discount, chains.slices, distributions)
    routes = [np.isnan(forward), from_spot, count < settings.min_pairs]
    return Curve(forward, discount, np.select(routes, ["none", "spot", "carry"], "parity"), count, residual, share)
