"""The section of a study's configuration that describes the simulated pre-training corpus.

Vols are annualised decimals, times years, z standard deviations of the surface at the money; a pair is a range.
"""

from typing import Annotated

from pydantic import Field, model_validator

from ivyspt.sections import Count, NonNegative, Positive, Proportion, Section

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class Skew(Section):
    """Smiles of one kind of underlying: wing slopes over sqrt(theta) at `Essvi.reference`, medians and spread."""

    share: NonNegative  # of the eSSVI surfaces, up to a common factor
    long_vol: Positive  # median
    left: Positive  # of the put wing; (right - left) / 4 is the slope of log vol at the money, per standard deviation
    right: Positive
    spread: NonNegative  # standard deviation of the log of each slope


class Essvi(Section):
    """eSSVI surfaces: at-the-money variance reverts to its long level in two speeds, wings are power laws."""

    kinds: dict[str, Skew] = {
        "index": Skew(share=0.35, long_vol=0.18, left=1.1, right=0.2, spread=0.3),
        "equity": Skew(share=0.45, long_vol=0.32, left=0.8, right=0.4, spread=0.4),
        "commodity": Skew(share=0.2, long_vol=0.28, left=0.6, right=0.6, spread=0.4),
    }
    vols: Range = (0.05, 1.2)  # every level of vol stays inside
    long_vol_spread: NonNegative = 0.45  # standard deviation of log vol
    medium_vol_spread: NonNegative = 0.25  # of log vol, against the long level
    short_vol_spread: NonNegative = 0.4
    fast: Range = (4.0, 40.0)  # speeds of reversion, per year, log-uniform
    slow: Range = (0.3, 4.0)
    exponent: Range = (0.2, 0.5)  # gamma of each wing
    reference: Positive = 0.25  # years
    correlation: tuple[float, float] = (-0.95, 0.6)  # rho at the reference stays inside


class VarianceLevels(Section):
    """Expected variance of a square-root process: its levels and the speed at which it reverts."""

    long_vol: Positive = 0.24  # median
    vols: Range = (0.06, 1.1)
    long_vol_spread: NonNegative = 0.5  # standard deviation of log vol
    short_vol_spread: NonNegative = 0.35  # against the long level
    speed: Range = (0.5, 10.0)  # per year, log-uniform


class Heston(Section):
    """Parameters of Heston surfaces."""

    levels: VarianceLevels = VarianceLevels()
    feller: Range = (0.15, 4.0)  # 2 kappa V / nu^2, log-uniform
    correlation_mean: float = -0.5
    correlation_spread: NonNegative = 0.3
    correlation: Range = (-0.88, 0.5)


class Bates(Section):
    """Heston surfaces with log-normal jumps of the price."""

    heston: Heston = Heston(levels=VarianceLevels(long_vol=0.2))
    intensity: Range = (0.1, 4.0)  # jumps a year, log-uniform
    jump_mean: float = -0.05  # of log price
    jump_spread: NonNegative = 0.06  # standard deviation of the mean, over surfaces
    jumps: Range = (-0.25, 0.1)  # the mean stays inside
    jump_std: Range = (0.02, 0.15)  # of one surface's jumps, log-uniform


class Sabr(Section):
    """Parameters of SABR smiles, which move with the expiry."""

    levels: VarianceLevels = VarianceLevels()
    beta: Range = (0.3, 1.0)
    volatility: Range = (0.3, 1.5)  # nu at half a year, log-uniform
    exponent: Range = (0.3, 0.55)  # nu falls with this power of tau
    correlation_mean: float = -0.35  # rho at the short end
    correlation_spread: NonNegative = 0.35
    correlation_change: NonNegative = 0.2  # to the long end
    correlation: Range = (-0.9, 0.7)


class Pools(Section):
    """Surfaces of the slow families, drawn once and tabulated."""

    seed: int = 0
    surfaces: Count = 2000  # of each family
    nodes: tuple[int, int] = (56, 24)  # of a table, along x = k / sqrt(theta) and along log tau
    max_x: Positive = 6.5  # largest |x| of a table
    days: Range = (2.0, 1460.0)  # between which tables hold
    pace: Range = (0.7, 1.5)  # of time, drawn anew whenever a surface is taken; log-uniform
    screen: tuple[int, int] = (65, 21)  # nodes of x and tau on which arbitrage is searched for
    tolerance: NonNegative = 1e-5  # g and the growth of w with log tau, over w, may be this far below zero


class Events(Section):
    """Known dates, such as earnings, that add a constant total variance to all later expiries."""

    share: Share = 0.25  # of the surfaces
    days: Range = (1.5, 7.0)  # an event's move over that of a usual trading day, log-uniform
    quarterly: Share = 0.5  # of the events that return every quarter


class Clouds(Section):
    """Where a surface is quoted."""

    expiries: Count = 16  # the most a surface has
    strikes: Annotated[int, Field(ge=5)] = 24  # the most an expiry has
    min_strikes: Annotated[int, Field(ge=5)] = 6
    days: Range = (3.0, 912.0)  # to the first and to the last expiry
    weekly: NonNegative = 0.4  # shares of surfaces with weekly and monthly expiries, with monthly ones alone,
    monthly: NonNegative = 0.3
    standard: NonNegative = 0.15  # with a vendor's constant maturities,
    irregular: NonNegative = 0.15  # and with any
    left: Range = (1.0, 4.5)  # z of a surface's last put strike, log-uniform
    right_over_left: Range = (0.4, 1.1)
    reach_spread: NonNegative = 0.25  # standard deviation of the log of an expiry's reach against its surface's
    max_z: Positive = 6.0  # of any strike
    concentration: Range = (1.0, 1.8)  # power of the strikes' distance to the money; 1: even
    strike_step: Range = (0.0025, 0.05)  # of listed strikes, over the forward; log-uniform


class Contexts(Section):
    """Which quotes are shown and what is asked."""

    quotes: tuple[int, int] = (3, 200)  # shown, log-uniform
    # shares of the patterns, up to a common factor
    patterns: dict[str, NonNegative] = {
        "random": 0.35,
        "clustered": 0.1,
        "near_the_money": 0.07,
        "wings_hidden": 0.1,
        "expiries_hidden": 0.13,
        "short_end_hidden": 0.06,
        "long_end_hidden": 0.05,
        "nine_quotes": 0.08,
        "one_expiry": 0.06,
    }
    quoted_targets: Share = 0.6  # of the targets that are held-out quotes; the others lie anywhere
    target_days: Positive = 7.0  # from here to the longest expiry; half the longest where that is shorter
    max_z: Positive = 6.0  # of half of the targets anywhere
    usual_z: Positive = 3.0  # of the other half


class Noise(Section):
    """How quotes differ from the surface."""

    clean: Share = 0.15  # of the surfaces whose quotes are exact
    scale: Range = (0.001, 0.03)  # standard deviation of a quote at the money, over its vol; log-uniform
    wing: Range = (0.05, 0.4)  # growth with z squared
    short_end: Range = (0.0, 0.25)  # power of a quarter over tau
    jitter: NonNegative = 0.3  # standard deviation of the log of a quote's own scale
    largest: Proportion = 0.3  # standard deviation of any quote, over its vol
    slice_share: NonNegative = 0.3  # error that a whole expiry shares, over the scale
    stale_surfaces: Share = 0.3  # of the surfaces that have stale marks,
    stale_quotes: Range = (0.01, 0.06)  # of their quotes that are stale
    stale_move: Range = (0.05, 0.4)  # of log vol since
    spread_known: Share = 0.5  # of the surfaces whose half-spreads are given
    spread_over_noise: Range = (1.0, 3.0)  # half-spread over the standard deviation of the noise
    least_half_spread: Positive = 0.0005  # decimal vol


class Corpus(Section):
    """Shares of the families, up to a common factor, and how surfaces are quoted."""

    families: dict[str, NonNegative] = {"essvi": 0.5, "sabr": 0.15, "heston": 0.15, "bates": 0.2}
    essvi: Essvi = Essvi()
    sabr: Sabr = Sabr()
    heston: Heston = Heston()
    bates: Bates = Bates()
    pools: Pools = Pools()
    events: Events = Events()
    clouds: Clouds = Clouds()
    contexts: Contexts = Contexts()
    noise: Noise = Noise()

    @model_validator(mode="after")
    def _families_are_known(self) -> "Corpus":
        unknown = set(self.families) - {"essvi", "sabr", "heston", "bates"}
        if unknown:
            raise ValueError(f"families must be essvi, sabr, heston or bates, got {', '.join(sorted(unknown))}")
        return self
