"""What is known of a completed surface's freedom from static arbitrage: proved bounds, and a search on a grid."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ivyspt.admission import PLACE
from ivyspt.arbitrage import durrleman_g
from ivyspt.completion import Context
from ivyspt.config import Evaluation
from ivyspt.evaluation.audit_grid import STENCIL_TAU, Grid, audit_grid
from ivyspt.mixture.typical import LONGEST, SHORTEST
from ivyspt.pretrained import Pretrained

PROOF = (
    "Prices are an average, with positive weights, of eSSVI surfaces whose at-the-money variance and wing slopes grow"
    " with maturity, the variance faster (no calendar spread: Hendriks & Martini 2019, proposition 3.5), and whose wing"
    " slopes keep the bounds of Gatheral & Jacquier (2014), theorem 4.2 (no butterfly), from one day to five years."
)
GRID = Evaluation(audit_points=(97, 24))


def certify(model: Pretrained, context: pl.DataFrame) -> list[dict]:
    """Search each surface of the context for arbitrage on a grid out to six standard deviations.

    Returns
    -------
    For each surface: `surface_id`; `proof`; `grid`, its nodes and reach; `min_g` and `min_w_tau` by the model's
    own derivatives; `min_g_difference` and `min_w_tau_difference` by central differences in double precision; and
    `violations`, the count of nodes with g < -1e-3 or w_tau < -1e-6 by either.
    """
    names = context["surface_id"].unique(maintain_order=True).to_list()
    grids = {name: _grid(_context(context, name)) for name in names}
    nodes = pl.concat([_places(name, grid.log_moneyness, grid.time_to_maturity) for name, grid in grids.items()])
    around = pl.concat([_places(name, *grid.stencil()) for name, grid in grids.items()])
    own = _by_surface(model.complete(context, nodes))
    stencil = _by_surface(model.complete(context, around))
    return [_certificate(name, grids[name], own[name], stencil[name]) for name in names]


def _grid(context: Context) -> Grid:
    """The audit grid, kept with its stencil inside the maturities that a surface covers."""
    grid = audit_grid(context, GRID)
    room = 1 + 2 * STENCIL_TAU
    return replace(grid, time_to_maturity=grid.time_to_maturity.clip(SHORTEST * room, LONGEST / room))


def _certificate(name: str, grid: Grid, own: pl.DataFrame, stencil: pl.DataFrame) -> dict:
    w_k, w_kk, w_tau = grid.differences(stencil["total_variance"].to_numpy())
    g = durrleman_g(grid.log_moneyness, own["total_variance"].to_numpy(), w_k, w_kk)
    found = np.stack([own["durrleman_g"].to_numpy(), g]), np.stack([own["w_tau"].to_numpy(), w_tau])
    broken = (found[0] < -GRID.durrleman_tolerance).any(0) | (found[1] < -GRID.calendar_tolerance).any(0)
    return {
        "surface_id": name,
        "proof": PROOF,
        "grid": {
            "nodes": len(g),
            "standard_deviations": GRID.audit_max_z,
            "shortest_years": float(grid.time_to_maturity.min()),
            "longest_years": float(grid.time_to_maturity.max()),
        },
        "min_g": float(found[0][0].min()),
        "min_g_difference": float(found[0][1].min()),
        "min_w_tau": float(found[1][0].min()),
        "min_w_tau_difference": float(found[1][1].min()),
        "violations": int(broken.sum()),
    }


def _context(context: pl.DataFrame, name: str) -> Context:
    rows = context.filter(pl.col("surface_id") == name)
    columns = (rows[column].cast(pl.Float64).to_numpy() for column in (*PLACE, "implied_vol"))
    return Context(name, name, *columns, np.full(3, np.nan))


def _places(name: str, log_moneyness: Sequence[float], time_to_maturity: Sequence[float]) -> pl.DataFrame:
    return pl.DataFrame({"log_moneyness": log_moneyness, "time_to_maturity": time_to_maturity}).select(
        pl.lit(name).alias("surface_id"), *PLACE
    )


def _by_surface(completed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {key[0]: rows for key, rows in completed.group_by("surface_id", maintain_order=True)}
