"""What the last block attends to: on which points of the surface, and on which market features (paper, Attention Maps).

The weights are those that the block multiplies its values with, read out of the forward pass, not computed again.
"""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from ivyspt.analyses.judged import batches, require_function
from ivyspt.analyses.sensitivity import market_weights
from ivyspt.analysis_config import Place
from ivyspt.batches.batch import Batch, collate
from ivyspt.completion import Context, Targets
from ivyspt.evaluation.tasks import Task
from ivyspt.model.encoder import Attended
from ivyspt.model.ivyspt import IvySPT
from ivyspt.model.market import FEATURES

DAYS_A_YEAR = 365
ITSELF = "itself"


def last_block(model: IvySPT, batch: Batch) -> Attended:
    """What the last block's targets attend to.

    `own` holds the weights on the context (0 where padded) and, last, on oneself; `market` those on the market's
    tokens, None without attention to the market. Each row sums to 1.

    Raises
    ------
    DataError
        Targets attend to one another.
    """
    require_function(model)
    with torch.no_grad():
        return model(batch).attended[-1]


def market_keys(attended: Attended) -> tuple[str, ...]:
    """Names of the market's tokens: the features, or one for all of them; none without attention to the market."""
    if attended.market is None:
        return ()
    return FEATURES if attended.market.shape[-1] == len(FEATURES) else ("market",)


def place_targets(context: Context, places: Sequence[Place]) -> Targets:
    """Targets at z standard deviations of the context's at-the-money vol and at a time to maturity in days."""
    tau = np.array([place.days / DAYS_A_YEAR for place in places])
    k = np.array([place.z for place in places]) * context.at_the_money_vol * np.sqrt(tau)
    return Targets(k, tau, np.full(len(places), np.nan))


MAP_COLUMNS = {
    **{"surface_id": pl.String, "symbol": pl.String, "date": pl.Date, "tier": pl.String, "mask": pl.String},
    **{"target": pl.UInt32, "target_z": pl.Float64},
    **{"target_log_moneyness": pl.Float64, "target_time_to_maturity": pl.Float64},
    **{"head": pl.UInt32, "attention": pl.String, "key": pl.String},
    **{"log_moneyness": pl.Float64, "time_to_maturity": pl.Float64, "implied_vol": pl.Float64, "weight": pl.Float64},
}


def attention_maps(model: IvySPT, tasks: Sequence[Task], places: Sequence[Place]) -> pl.DataFrame:
    """Where the attention of a few targets lies on each surface.

    Returns
    -------
    One row a surface, target, head and key. `attention` is `self` or `market`; `key` is the number of the context
    point in order of maturity and log-moneyness, `itself`, or a market feature; `log_moneyness`, `time_to_maturity`
    (years) and `implied_vol` (decimal) are the context point's, null for other keys; `weight` in [0, 1] sums to 1 over
    the keys of a head and kind of attention.
    """
    frames = [pl.DataFrame(schema=MAP_COLUMNS)]
    parameter = next(model.parameters())
    for task in tasks:
        targets = place_targets(task.context, places)
        batch = collate([(task.context, targets)]).to(parameter.device, parameter.dtype)
        attended = last_block(model, batch)
        where = pl.DataFrame(
            {
                "target": np.arange(len(places), dtype=np.uint32),
                "target_z": [place.z for place in places],
                "target_log_moneyness": targets.log_moneyness,
                "target_time_to_maturity": targets.time_to_maturity,
            }
        )
        weights = pl.concat([_own_rows(attended, task.context), _market_rows(attended)])
        labels = {"surface_id": task.context.surface_id, "symbol": task.context.symbol, "tier": task.tier}
        labels |= {"mask": task.mask, "date": task.targets["quote_time"][0].date()}
        rows = weights.join(where, on="target").with_columns(
            pl.lit(value).alias(name) for name, value in labels.items()
        )
        frames.append(rows.select(list(MAP_COLUMNS)).cast(MAP_COLUMNS))
    return pl.concat(frames).sort("surface_id", "target", "head", maintain_order=True)


def _own_rows(attended: Attended, context: Context) -> pl.DataFrame:
    names = ("log_moneyness", "time_to_maturity", "implied_vol")
    values = [[*getattr(context, name), None] for name in names]
    keys = [*map(str, range(len(context.implied_vol))), ITSELF]
    return _rows(attended.own[0], "self", keys, dict(zip(names, values, strict=True)))


def _market_rows(attended: Attended) -> pl.DataFrame:
    keys = market_keys(attended)
    weights = attended.own[0, :, :, :0] if attended.market is None else attended.market[0]
    nothing = [None] * len(keys)
    return _rows(weights, "market", keys, dict.fromkeys(("log_moneyness", "time_to_maturity", "implied_vol"), nothing))


def _rows(weights: Float[Tensor, "head target key"], kind: str, keys: Sequence[str], columns: dict) -> pl.DataFrame:
    """One row a head, target and key."""
    grid = np.indices(tuple(weights.shape)).reshape(3, -1)
    of_key = pl.DataFrame({"number": np.arange(len(keys)), "key": list(keys), **columns}, strict=False)
    of_key = of_key.cast({"key": pl.String, **dict.fromkeys(columns, pl.Float64)})
    table = pl.DataFrame(
        {
            "head": grid[0].astype(np.uint32),
            "target": grid[1].astype(np.uint32),
            "number": grid[2],
            "weight": weights.double().cpu().numpy().reshape(-1),
        }
    )
    joined = table.join(of_key, on="number", how="left", maintain_order="left").with_columns(attention=pl.lit(kind))
    return joined.select("head", "target", "attention", "key", *columns, "weight")


def attention_summary(model: IvySPT, tasks: Sequence[Task]) -> pl.DataFrame:
    """How concentrated the last block's attention is, over every target.

    Returns
    -------
    One row a head and measure: tier, mask, head (null for the gate, which has none), measure, unit, targets, and the
    `mean` and `std` over targets. Measures: `self_entropy` and `self_entropy_share` of that of equal weights,
    `self_points` = exp(entropy), as many points of equal weight would have it, `self_on_itself`; `market_entropy` and
    `market_entropy_share` likewise, `market_on_…` for each market token; `market_weight` = 1 - gate.
    """
    found: dict[tuple[int | None, str], list[Tensor]] = {}
    for _, batch in batches([(task.context, task.asked) for task in tasks], model):
        attended = last_block(model, batch)
        for measure, values in _measures(attended, batch).items():
            for head, of_head in enumerate(values.unbind(1)):
                found.setdefault((head, measure), []).append(of_head[batch.asked])
        shares = market_weights(attended, batch.asked)
        if shares is not None:
            found.setdefault((None, "market_weight"), []).append(shares)
    rows = []
    for (head, measure), parts in found.items():
        every = torch.cat(parts).double()
        moments = (every.mean().item(), every.std().item())
        rows.append((tasks[0].tier, tasks[0].mask, head, measure, UNITS.get(measure, "share"), len(every), *moments))
    schema = {"tier": pl.String, "mask": pl.String, "head": pl.UInt32, "measure": pl.String, "unit": pl.String}
    schema |= {"targets": pl.UInt32, "mean": pl.Float64, "std": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("measure", "head")


UNITS = {"self_entropy": "nats", "market_entropy": "nats", "self_points": "points"}  # of the others: share


def _measures(attended: Attended, batch: Batch) -> dict[str, Float[Tensor, "batch head target"]]:
    entropy = torch.special.entr(attended.own).sum(-1)
    keys = (batch.present.sum(-1) + 1).to(entropy.dtype)
    found = {
        "self_entropy": entropy,
        "self_entropy_share": entropy / keys.log()[:, None, None],
        "self_points": entropy.exp(),
        "self_on_itself": attended.own[..., -1],
    }
    names = market_keys(attended)
    found |= {f"market_on_{name}": attended.market[..., number] for number, name in enumerate(names)}
    if len(names) > 1:
        entropy = torch.special.entr(attended.market).sum(-1)
        found |= {"market_entropy": entropy, "market_entropy_share": entropy / math.log(len(names))}
    return found
