"""Numbers that define the flagship's surfaces and its fit, shared by its training and its fast path."""

import math

SHORTEST = 1 / 365  # years; surfaces are free of arbitrage from here
LONGEST = 5.0  # years; to here
SMEARED = 0.1  # half-width, in log-maturity, over which an expiry spreads its share of the knots
SPREAD_EVENLY = 4.0  # expiries that the even spread of the knots counts for

TYPICAL_SLOPE = 0.7  # of the wings over √theta, of equity options
TYPICAL_SHARE = (
    0.55  # of theta's growth that the wing slopes take part in; 1/2: skew per standard deviation is constant
)
SLOPE_AT_ZERO = math.log(math.e - 1)  # softplus of it is one: flat vol
SHARE_AT_ZERO = math.log(TYPICAL_SHARE / (1 - TYPICAL_SHARE))
LARGEST_WING = math.log(3.99)  # a± < 4, strictly: call prices then vanish at infinity
LARGEST_BUTTERFLY = math.log(4.0)  # s max(a±) <= 4 theta
LARGEST_STD = 50.0  # √w at which an option is worth the asset to rounding, and not far from overflow
CAP_NODES = 128  # cells of log-maturity on which one factor for all maturities enforces the bounds

LARGEST_SURPRISE = 9.0  # squared, in units of the noise: what a single quote may say of the noise
ROBUST_FREEDOM = 4.0  # degrees of freedom of Student's t, which weighs down a quote that fits nothing
LONGEST_STEP = 1.0  # of any latent number
# least factor on the damping over the precision's diagonal (Levenberg-Marquardt) after a step that helped, and the
# factor after one that was taken back, which doubles with each that follows (Madsen, Nielsen & Tingleff 2004,
# "Methods for non-linear least squares problems", algorithm 3.16)
CALMEST, FIRMER = 1 / 3, 2.0

TYPICAL_NOISE = 0.01  # relative vol
TYPICAL_CONFIDENCE = 4.0  # quotes that the network's level of noise counts for
NOISE_RANGE = (math.log(3e-4), math.log(0.7))
PRIOR_STD = {"level": 0.3, "lean": 0.5, "weight": 1.0, "slope": 0.7, "share": 0.7}  # of the prior, untrained
FURTHEST_APART = 0.3  # of the leans of a component's copies, at first
FIRMEST = 5.0  # how far the network may move the logarithm of a prior precision or of a confidence

REACH = 8.0  # standard deviations beyond which moneyness hardly grows any more
MIDDLE, SCALE = -1.8, 1.4  # of log-maturity over listed options
LARGEST_CONTEXT = 1024  # quotes that are read; a longer context is thinned evenly in maturity and moneyness
