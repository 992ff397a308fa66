"""The flagship for one's own quotes: `load_pretrained(name).complete(context, targets)`, tables in and out."""

import numpy as np
import polars as pl
from threadpoolctl import ThreadpoolController

from ivyspt.columns import INTERVALS, DataError
from ivyspt.completion import interval_columns
from ivyspt.inference.engine import Engine, find_weights, load_engine
from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.bands import Bands, bands_of
from ivyspt.mixture.typical import LONGEST, SHORTEST

FEWEST_QUOTES = 3  # of a surface
PERCENT = 3.0  # a median vol above it means that vols came in percent
PLACE = ("log_moneyness", "time_to_maturity")
BID_ASK = ("implied_vol_bid", "implied_vol_ask")
MARKET = ("market_return", "market_vol", "treasury_rate")
ANSWERED = ("implied_vol", "total_variance", "w_k", "w_kk", "w_tau", "durrleman_g")


class Pretrained:
    """Trained weights with their calibrated bands."""

    def __init__(self, engine: Engine, bands: Bands):
        self.engine = engine
        self.bands = bands
        self.threads = ThreadpoolController()

    def complete(self, context: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
        """Complete surfaces from their quotes.

        Parameters
        ----------
        context
            `surface_id`, `log_moneyness` log(K/F), `time_to_maturity` in years (ACT/365) and `implied_vol` (annualised
            decimal), three rows or more a surface; optionally `implied_vol_bid` and `implied_vol_ask`, and, constant
            within a surface, `market_return` (decimal, daily), `market_vol` (VIX / 100; leave a proxy out) and
            `treasury_rate` (annualised decimal). What is missing or null is treated as unknown. pandas works as well.
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
        _check_context(context)
        _check_targets(targets, context)
        numbered = targets.with_row_index("_row")
        groups = {key[0]: rows for key, rows in context.group_by("surface_id", maintain_order=True)}
        asked = {key[0]: rows for key, rows in numbered.group_by("surface_id", maintain_order=True)}
        quoted = [_quoted(groups[name]) for name in asked]
        places = [tuple(rows[name].cast(pl.Float64).to_numpy() for name in PLACE) for rows in asked.values()]
        with self.threads.limit(limits=1, user_api="blas"):  # matrices of a hundred rows: threads would only wait
            found = [self.engine.answer(quotes, *place) for quotes, place in zip(quoted, places, strict=True)]
        frames = [
            rows.with_columns(**self._columns(each, len(quotes.implied_vol)))
            for rows, each, quotes in zip(asked.values(), found, quoted, strict=True)
        ]
        empty = [pl.Series(name, [], pl.Float64) for name in (*ANSWERED, *INTERVALS)]
        answered = pl.concat(frames) if frames else numbered.with_columns(empty)
        return answered.sort("_row").drop("_row")

    def _columns(self, found: Answer, quotes: int) -> dict[str, np.ndarray]:
        own = {name: getattr(found, name) for name in ANSWERED}
        return own | interval_columns(self.bands.around(found, quotes))


def load_pretrained(name: str = "base") -> Pretrained:
    """Load weights that come with the package, or those in a file of one's own (a path ending in .safetensors)."""
    path = find_weights(name)
    engine, header = load_engine(path)
    return Pretrained(engine, bands_of(header, path))


def _frame(table) -> pl.DataFrame:
    return table if isinstance(table, pl.DataFrame) else pl.from_pandas(table)


def _check_context(context: pl.DataFrame) -> None:
    _check_columns(context, (*PLACE, "implied_vol"), "context")
    for name in BID_ASK:
        if name in context.columns:
            _refuse(context, "context", name, pl.col(name).is_nan() | (pl.col(name) < 0), "must not be NaN or negative")
    _refuse(context, "context", "implied_vol", pl.col("implied_vol") <= 0, "must be positive")
    median = context["implied_vol"].median()
    if median is not None and median > PERCENT:
        raise DataError(
            f"context: implied_vol must be a decimal (0.2 for 20 %), got a median of {median:.4g}: divide by 100"
        )
    counts = context.group_by("surface_id", maintain_order=True).len().filter(pl.col("len") < FEWEST_QUOTES)
    if counts.height:
        first = counts.row(0)
        raise DataError(
            f"context: each surface must have at least {FEWEST_QUOTES} quotes, got {first[1]} for {first[0]!r}"
            f" ({counts.height} such surfaces)"
        )
    twins = context.filter(context.select("surface_id", *PLACE).is_duplicated())
    if twins.height:
        first = twins.select("surface_id", *PLACE).row(0)
        raise DataError(
            f"context: each (surface_id, log_moneyness, time_to_maturity) must stand once, got {twins.height} rows that"
            f" share theirs, first {first}: blend call and put vols, or keep the out-of-the-money one"
        )


def _check_targets(targets: pl.DataFrame, context: pl.DataFrame) -> None:
    _check_columns(targets, PLACE, "targets")
    strangers = targets.filter(~pl.col("surface_id").is_in(context["surface_id"].unique().implode()))
    if strangers.height:
        raise DataError(
            f"targets: each surface_id must have quotes in the context, got none for {strangers['surface_id'][0]!r}"
            f" ({strangers.height} rows)"
        )


def _check_columns(table: pl.DataFrame, numbers: tuple[str, ...], where: str) -> None:
    missing = [name for name in ("surface_id", *numbers) if name not in table.columns]
    if missing:
        raise DataError(f"{where}: must have the columns surface_id, {', '.join(numbers)}, got no {', '.join(missing)}")
    for name in numbers:
        if not table[name].dtype.is_numeric():
            raise DataError(f"{where}: {name} must be a number, got the type {table[name].dtype}")
        column = pl.col(name).cast(pl.Float64)
        _refuse(table, where, name, column.is_null() | ~column.is_finite(), "must be finite")
    tau = pl.col("time_to_maturity")
    outside = (tau < SHORTEST * (1 - 1e-9)) | (tau > LONGEST)
    _refuse(table, where, "time_to_maturity", outside, f"must lie between one day and {LONGEST:g} years, in years")


def _refuse(table: pl.DataFrame, where: str, name: str, broken: pl.Expr, rule: str) -> None:
    rows = table.filter(broken)
    if rows.height:
        raise DataError(
            f"{where}: {name} {rule}, got {rows[name][0]} in {rows.height} of {table.height} rows,"
            f" first for surface {rows['surface_id'][0]!r}"
        )


def _quoted(rows: pl.DataFrame) -> Quoted:
    def column(name: str) -> np.ndarray:
        return rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    unknown = np.full(rows.height, np.nan)
    both = all(name in rows.columns for name in BID_ASK)
    half_spread = (column("implied_vol_ask") - column("implied_vol_bid")) / 2 if both else unknown
    market = [column(name)[0] if name in rows.columns else np.nan for name in MARKET]
    half_spread = np.where(half_spread > 0, half_spread, np.nan)
    return Quoted(*(column(name) for name in (*PLACE, "implied_vol")), half_spread, np.array(market))
