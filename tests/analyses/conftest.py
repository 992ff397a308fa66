"""Tasks with random contexts and targets, as the analyses take them."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ivyspt.completion import Context, Targets
from ivyspt.evaluation.tasks import Task
from tests.conftest import make_pair


def make_tasks(days: int = 3, symbols: tuple[str, ...] = ("AAA", "BBB"), targets: int = 4, seed: int = 0) -> list[Task]:
    """Surfaces of several days and symbols, of different lengths, each with market features of its own."""
    generator = np.random.default_rng(seed)
    tasks = []
    for day in range(days):
        time = datetime(2024, 1, 2, 16) + timedelta(days=day)
        for number, symbol in enumerate(symbols):
            context, asked = make_pair(generator, 6 + day + 2 * number, targets + number, f"{symbol} {day}")
            market = np.array([0.01 * generator.normal(), 0.2 + 0.05 * generator.normal(), 0.05 + 0.01 * day])
            parts = (context.log_moneyness, context.time_to_maturity, context.implied_vol)
            context = Context(f"{symbol} {day}", symbol, *parts, market)
            tasks.append(Task("half", context, asked, targets_table(context, asked, time)))
    return tasks


def targets_table(context: Context, asked: Targets, time: datetime) -> pl.DataFrame:
    """The columns of the points' table that an analysis reads."""
    count = len(asked.log_moneyness)
    return pl.DataFrame(
        {
            "surface_id": [context.surface_id] * count,
            "symbol": [context.symbol] * count,
            "tier": ["liquid"] * count,
            "quote_time": [time] * count,
            "point": np.arange(count, dtype=np.uint32),
            "log_moneyness": asked.log_moneyness,
            "time_to_maturity": asked.time_to_maturity,
            "implied_vol": asked.implied_vol,
        }
    )
