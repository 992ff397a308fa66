"""What the fast path compiles to machine code, by Numba; kept beside the sources, so that only a first run compiles.

What a docstring leaves out is as in the function of `ivyspt.mixture` that it repeats.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import llvmlite.binding
import numpy as np
from jaxtyping import Float
from numba import config, njit, types
from numba.extending import get_cython_function_address

from ivyspt.mixture import typical
from ivyspt.mixture.typical import LARGEST_STD

ROOT_HALF, ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)
HALLEY_STEPS = 30  # at most
SETTLED = 1e-5  # relative: each step cubes the error, so that after one as small as this it is rounding
ROUNDING = 1e-12  # relative, of the bracket's ends


def digest(sources: Iterable[Path]) -> str:
    """Of the text of some files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]


# Numba would ask whether a function's own file has changed, and not whether what it calls or reads elsewhere has
_STORE = Path(config.CACHE_DIR or Path(__file__).parent / "__pycache__") / digest(
    (*Path(__file__).parent.glob("*.py"), Path(typical.__file__))
)


def compiled(function: Callable) -> Callable:
    """Compile at the first call, and store that; in each process anew where there is no place to store it.

    Products and sums may be fused and sums be taken in any order; nan and infinity stay what they are.
    """
    options = {"error_model": "numpy", "fastmath": {"contract", "reassoc"}, "nogil": True}
    before, config.CACHE_DIR = config.CACHE_DIR, str(_STORE)
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)
    finally:
        config.CACHE_DIR = before


# SciPy's own erfcx, by name: an address would keep Numba from storing what it compiled
llvmlite.binding.add_symbol(
    "ivyspt_erfcx", get_cython_function_address("scipy.special.cython_special", "__pyx_fuse_1erfcx")
)
_erfcx = types.ExternalFunction("ivyspt_erfcx", types.float64(types.float64, types.int32))


@compiled
def erfcx(x: float) -> float:
    """exp(x²) erfc(x)."""
    return _erfcx(x, 0)


@compiled
def black(x: float, std: float) -> tuple[float, float, float, float]:
    """Black's out-of-the-money price at x = |k| and √w: its logarithm, d1, and Mills' ratios at d1 and -d2.

    The ratios are Φ(d)/φ(d) over √(π/2) (see `ivyspt.mixture.price_mixture`).
    """
    std = min(std, LARGEST_STD)
    d1 = -x / std + std / 2
    asset, strike = erfcx(-d1 * ROOT_HALF), erfcx((std - d1) * ROOT_HALF)
    return math.log((asset - strike) / 2) - 0.5 * d1 * d1, d1, asset, strike


@compiled
def log_out_of_the_money(x: Float[np.ndarray, " point"], std: Float[np.ndarray, " point"]) -> np.ndarray:
    """Logarithm of Black's out-of-the-money price."""
    found = np.empty_like(x)
    for point in range(len(x)):
        found[point] = black(x[point], std[point])[0]
    return found


@compiled
def std_of_price(x: float, log_price: float, start: float, low: float, high: float, steps: int) -> float:
    """√w at which the price has this logarithm: Halley's steps in 1/w, or halves of the bracket."""
    std = start
    for _ in range(steps):
        here, d1, _, _ = black(x, std)
        gap = here - log_price
        if gap > 0:
            high = std
        else:
            low = std
        variance = std * std
        over_vega = ROOT_TWO_PI * math.exp(here + 0.5 * d1 * d1)
        newton = 2 * gap * over_vega / (variance * std)
        bend = (std / over_vega - d1 * (d1 - std) - 3) * variance / 2  # of the logarithm in 1/w, over its slope
        inverse = 1 / variance + newton / min(max(1 + newton * bend / 2, 0.5), 2.0)
        proposed = 1 / math.sqrt(max(inverse, 1e-12))
        within = min(max(proposed, low), high)
        if abs(proposed - std) <= SETTLED * std:
            return within
        std = within if abs(proposed - within) <= ROUNDING * within else math.sqrt(low * high)
    return std
