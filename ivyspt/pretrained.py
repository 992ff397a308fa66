"""The flagship for one's own quotes: `load_pretrained(name).complete(context, targets)`, tables in and out."""

import math
from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import ThreadpoolController

from ivyspt.admission import BID_ASK, KIND, MARKET, PLACE, check_context, check_targets
from ivyspt.columns import INTERVALS
from ivyspt.completion import interval_columns
from ivyspt.inference.engine import Engine, find_weights, load_engine
from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.bands import Bands, bands_of

MANY = 1000  # surfaces: on two cores batches are then as fast, on more they are faster; but they wait for torch
ANSWERED = ("implied_vol", "total_variance", "w_k", "w_kk", "w_tau", "durrleman_g")


class Pretrained:
    """Trained weights with their calibrated bands, and the file that they lie in."""

    def __init__(self, engine: Engine, bands: Bands, path: Path):
        self.engine = engine
        self.bands = bands
        self.path = path
        self.threads = ThreadpoolController()

    def complete(self, context: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
        """Complete surfaces from their quotes.

        Parameters
        ----------
        context
            `surface_id`, `log_moneyness` log(K/F), `time_to_maturity` in years (ACT/365) and `implied_vol` (annualised
            decimal), three rows or more a surface; optionally `implied_vol_bid` and `implied_vol_ask`, and, constant
            within a surface, `market_return` (decimal, daily), `market_vol` (VIX / 100; leave a proxy out),
            `treasury_rate` (annualised decimal) and `quote_kind`, what the quotes are: "marks" (end-of-day marks or
            last prices), "mids" (of bid and ask) or "smoothed" (points of a surface that someone has fitted). What is
            missing or null is treated as unknown, and so is the spread of a crossed quote. pandas works as well.
        targets
            `surface_id`, `log_moneyness` and `time_to_maturity`.

        Returns
        -------
        The targets in their order with `implied_vol`, `total_variance` w, its derivatives `w_k`, `w_kk` and `w_tau`,
        `durrleman_g`, and the intervals `iv_low_90`, `iv_high_90`, `iv_low_50`, `iv_high_50` for a quote there. No
        surface has static arbitrage, whatever the quotes: g and w_tau are never negative.

        Raises
        ------
        DataError
            A column is missing, or a value is not admissible: the message says which, where, and what must hold.
        """
        context, targets = _frame(context), _frame(targets)
        check_context(context)
        check_targets(targets, context)
        asked, shown = _rows_by_surface(targets, context)
        quoted = _quoted(context, shown)
        k, tau = _numbers(targets, PLACE)
        places = [(k[rows], tau[rows]) for rows in asked]
        found = self._many(quoted, places) if len(quoted) >= MANY else self._few(quoted, places)
        columns = [self._columns(*pair) for pair in zip(found, quoted, strict=True)]
        answered = {name: np.empty(targets.height) for name in (*ANSWERED, *INTERVALS)}
        for rows, own in zip(asked, columns, strict=True):
            for name, column in answered.items():
                column[rows] = own[name]
        return pl.DataFrame(targets.to_dict() | answered)

    def calibrated(self, history: pl.DataFrame) -> "Pretrained":
        """The same weights with intervals that have covered one's own quotes.

        Parameters
        ----------
        history
            Whole surfaces of earlier days, 200 quotes or more of one kind, with the columns of a context.

        Returns
        -------
        A model whose 50 % and 90 % intervals covered so many of the history's quotes when these were hidden at random,
        in wings, by expiry and so on; the surfaces that it answers with are the same. It takes minutes.

        Raises
        ------
        DataError
            As for a context, or the history is too small.
        """
        from ivyspt.pretraining.history import bands_from  # noqa: PLC0415  torch, for which completing need not wait

        history = _frame(history)
        check_context(history, "history")
        return Pretrained(self.engine, bands_from(self.path, history), self.path)

    def _few(self, quoted: list[Quoted], places: list[tuple]) -> list[Answer]:
        with self.threads.limit(limits=1, user_api="blas"):  # matrices of a hundred rows: threads would only wait
            return [self.engine.answer(quotes, *place) for quotes, place in zip(quoted, places, strict=True)]

    def _many(self, quoted: list[Quoted], places: list[tuple]) -> list[Answer]:
        """The same to single precision of the prior."""
        from ivyspt.mixture.batches import answer_many  # noqa: PLC0415  torch, for which a few surfaces need not wait

        return answer_many(self.path, quoted, places)

    def _columns(self, found: Answer, quotes: Quoted) -> dict[str, np.ndarray]:
        own = {name: getattr(found, name) for name in ANSWERED}
        return own | interval_columns(self.bands.around(found, quotes))


def load_pretrained(name: str = "base") -> Pretrained:
    """Load weights that come with the package, or those in a file of one's own (a path ending in .safetensors)."""
    path = find_weights(name)
    engine, header = load_engine(path)
    return Pretrained(engine, bands_of(header, path), path)


def _frame(table) -> pl.DataFrame:
    return table if isinstance(table, pl.DataFrame) else pl.from_pandas(table)


def _rows_by_surface(targets: pl.DataFrame, context: pl.DataFrame) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The rows of the targets and of the context that each surface with targets has, in their order."""
    names = pl.concat([table["surface_id"].to_frame() for table in (targets, context)], how="vertical_relaxed")
    number = names["surface_id"].rank("dense").to_numpy()
    wanted = np.unique(number[: targets.height])
    return _rows_of(wanted, number[: targets.height]), _rows_of(wanted, number[targets.height :])


def _rows_of(wanted: np.ndarray, number: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(number, kind="stable")
    starts, ends = (np.searchsorted(number[order], wanted, side) for side in ("left", "right"))
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]


def _quoted(context: pl.DataFrame, shown: list[np.ndarray]) -> list[Quoted]:
    """The quotes of each surface, given the rows that it has."""
    k, tau, vol, low, high, *market = _numbers(context, (*PLACE, "implied_vol", *BID_ASK, *MARKET))
    half_spread = np.where(high > low, (high - low) / 2, np.nan)
    market = np.stack(market, -1)
    kind = context[KIND].to_list() if KIND in context.columns else [None] * context.height
    return [Quoted(k[rows], tau[rows], vol[rows], half_spread[rows], market[rows[0]], kind[rows[0]]) for rows in shown]


def _numbers(table: pl.DataFrame, names: tuple[str, ...]) -> list[np.ndarray]:
    """Columns as numbers; NaN where they are null, or where the table has none."""
    numbers = [
        pl.col(name).cast(pl.Float64).fill_null(math.nan) if name in table.columns else pl.lit(math.nan).alias(name)
        for name in names
    ]
    return [column.to_numpy() for column in table.select(*numbers)]
