"""Small studies and methods with known answers."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ivyspt.completion import Completion
from ivyspt.config import Evaluation

TAUS = (30 / 365, 91 / 365, 1.0)
EVALUATION = Evaluation(audit_surfaces=2, price_test_surfaces=1, audit_points=(49, 12))


class Analytic:
    """A surface given as functions: (k, tau) -> w, w_k, w_kk, w_tau."""

    def __init__(self, surface, derivatives=True):
        self.surface, self.derivatives = surface, derivatives

    def fit(self, training, seed):
        """Nothing to learn."""

    def complete(self, context, log_moneyness, time_to_maturity):
        w, *derivatives = self.surface(log_moneyness, time_to_maturity)
        return Completion(np.sqrt(w / time_to_maturity), *(derivatives if self.derivatives else ()))


class Mute:
    """Never answers."""

    def fit(self, training, seed):
        """Nothing to learn."""

    def complete(self, context, log_moneyness, time_to_maturity):
        return Completion(*(np.full(len(log_moneyness), np.nan) for _ in range(4)))


def make_study(days=3, symbols=("AAA", "BBB"), vol=0.2):
    """Tables of points, features, split and masks: flat vols, the second symbol thinned, the last day tests."""
    rows, masks = [], []
    for day in range(days):
        time = datetime(2024, 1, 2, 16) + timedelta(days=day)
        for number, symbol in enumerate(symbols):
            surface_id = f"{symbol} {time:%Y-%m-%d}"
            places = [(k, tau) for tau in TAUS for k in np.linspace(-0.1, 0.1, 5)]
            for point, (k, tau) in enumerate(places):
                visible = number == 0 or point % 2 == 0
                row = {"surface_id": surface_id, "quote_time": time, "symbol": symbol, "point": point}
                row |= {"log_moneyness": k, "time_to_maturity": tau, "implied_vol": vol, "visible": visible}
                row |= {"implied_vol_bid": vol - 0.01, "implied_vol_ask": vol + 0.01, "strike": 100 * np.exp(k)}
                row |= {"expiry": time + timedelta(days=365 * tau), "forward": 100.0, "discount_factor": 1.0}
                rows.append(row | {"mask_group": point, "tier": ("liquid", "sparse")[number]})
                role = "context" if visible and point % 4 == 0 else "target"
                masks.append({"mask": "quarter", "surface_id": surface_id, "point": point, "role": role})
    unsigned = [pl.col("point").cast(pl.UInt32)]
    points = pl.DataFrame(rows).with_columns(*unsigned, pl.col("mask_group").cast(pl.UInt32))
    dates = points["quote_time"].dt.date().unique().sort()
    parts = ["train"] * (days - 2) + ["validation", "test"]
    split = pl.DataFrame({"partition": [0] * days, "date": dates, "split": parts})
    surfaces = points["surface_id"].unique(maintain_order=True)
    features = pl.DataFrame({"surface_id": surfaces}).with_columns(
        market_return=pl.lit(0.01), market_vol=pl.lit(0.2), treasury_rate=pl.lit(None, pl.Float64)
    )
    return points, features, split, pl.DataFrame(masks).with_columns(*unsigned)
