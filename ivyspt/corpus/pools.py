"""Pools of SABR, Heston and Bates surfaces: drawn once, searched for arbitrage, tabulated."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from ivyspt.arbitrage import durrleman_g
from ivyspt.corpus.bates import draw_bates
from ivyspt.corpus.expiries import YEAR
from ivyspt.corpus.fourier import Process, out_of_the_money
from ivyspt.corpus.heston import draw_heston
from ivyspt.corpus.sabr import draw_sabr
from ivyspt.corpus.tables import Domain, Tables, coefficients_of, joined, nodes, reference_variance
from ivyspt.corpus_config import Corpus, Pools
from ivyspt.generators import generator_of
from ivyspt.implied_vol import implied_vol

BLOCK = 50  # surfaces tabulated at once; bounds the memory of their contours
STENCIL = 0.02  # half-width in x of the screen's differences
STENCIL_TAU = 0.01  # relative step in tau
FAMILIES: dict[str, Callable] = {
    "sabr": lambda count, corpus, generator: draw_sabr(count, corpus.sabr, generator),
    "heston": lambda count, corpus, generator: draw_heston(count, corpus.heston, generator),
    "bates": lambda count, corpus, generator: draw_bates(count, corpus.bates, generator),
}


def make_pool(family: str, corpus: Corpus) -> tuple[Tables, float]:
    """Draw surfaces of a family until enough of them are free of arbitrage on the screen's nodes.

    Returns
    -------
    tables : Tables
        `corpus.pools.surfaces` of them.
    share : float
        Of the surfaces drawn, those that were kept.
    """
    pools = corpus.pools
    generator = generator_of(pools.seed, "corpus", family)
    kept, drawn, block = [], 0, min(BLOCK, pools.surfaces)
    while sum(map(len, kept)) < pools.surfaces:
        tables = tabulate(FAMILIES[family](block, corpus, generator), pools)
        drawn += block
        kept.append(tables.take(free_of_arbitrage(tables, pools).nonzero()[:, 0]))
    share = sum(map(len, kept)) / drawn
    return joined(kept).take(torch.arange(pools.surfaces)), share


def tabulate(surfaces, pools: Pools) -> Tables:
    """Chebyshev tables of surfaces that have a closed vol (`implied_vol`) or moments (`log_moment`).

    A surface that cannot be priced at some node has NaN coefficients.
    """
    first, last = (days / YEAR for days in pools.days)
    domain = Domain(pools.max_x, first, last, pools.pace)
    levels = [torch.from_numpy(np.ascontiguousarray(level))[:, None] for level in surfaces.reference()]
    scaled = nodes(pools.nodes[1])
    tau = (first * (last / first) ** ((scaled + 1) / 2)).expand(len(levels[0]), -1)
    theta = reference_variance(*levels, tau)
    k = pools.max_x * nodes(pools.nodes[0]) * theta.sqrt()[..., None]
    vol = torch.from_numpy(_vols(surfaces, k.numpy(), tau.numpy(), theta.sqrt().numpy()))
    ratio = (vol.square() * tau[..., None] / theta[..., None]).log()
    return Tables(coefficients_of(ratio.movedim(1, 2)), *levels, torch.ones_like(levels[0]), domain)


def _vols(surfaces, k: np.ndarray, tau: np.ndarray, std: np.ndarray) -> np.ndarray:
    if hasattr(surfaces, "implied_vol"):
        return surfaces.implied_vol(k, tau)
    return fourier_vols(surfaces, k, tau, std)


def fourier_vols(process: Process, k: np.ndarray, tau: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Implied vols of a process, shape (surface, maturity, strike); strikes fall, calls first.

    NaN where a price or its vol cannot be had.
    """
    calls = int((k[0, 0] >= 0).sum())
    price = np.concatenate(
        [
            out_of_the_money(process, k[..., :calls], tau, std, right=True),
            out_of_the_money(process, k[..., calls:], tau, std, right=False),
        ],
        axis=-1,
    )
    times = np.broadcast_to(tau[..., None], k.shape)
    vols = implied_vol(price.ravel(), np.ones(k.size), np.exp(k).ravel(), times.ravel(), (k >= 0).ravel())
    return vols.reshape(k.shape)


def free_of_arbitrage(tables: Tables, pools: Pools) -> Bool[Tensor, " surface"]:
    """Whether g and the growth of w with tau stay above the tolerance on the screen's nodes, by float64 differences."""
    domain, count = tables.domain, len(tables)
    share = torch.linspace(0, 1, pools.screen[1], dtype=torch.float64)
    tau = domain.shortest * (domain.longest / domain.shortest / (1 + STENCIL_TAU)) ** share
    tau = tau.repeat_interleave(pools.screen[0]).expand(count, -1)
    theta = tables.reference_variance(tau)
    h = STENCIL * theta.sqrt()
    x = (domain.max_x - STENCIL) * torch.linspace(-1, 1, pools.screen[0], dtype=torch.float64)
    k = x.repeat(pools.screen[1]) * theta.sqrt()
    left, w, right = (tables.total_variance(k + move, tau) for move in (-h, 0, h))
    g = durrleman_g(k, w, (right - left) / (2 * h), (right - 2 * w + left) / h**2)
    growth = (tables.total_variance(k, (1 + STENCIL_TAU) * tau) / w - 1) / STENCIL_TAU
    worst = torch.minimum(g, growth).amin(1)  # NaN where a surface could not be priced
    return worst >= -pools.tolerance
