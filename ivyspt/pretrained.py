"""The flagship for one's own quotes: `load_pretrained(name).complete(context, targets)`, tables in and out."""

from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import ThreadpoolController

from ivyspt.columns import INTERVALS, DataError
from ivyspt.completion import interval_columns
from ivyspt.flagship_config import QUOTE_KINDS
from ivyspt.inference.engine import Engine, find_weights, load_engine
from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.bands import Bands, bands_of
from ivyspt.mixture.typical import LONGEST, SHORTEST

MANY = 200  # surfaces: from here on batches are faster, though they wait for torch to load
FEWEST_QUOTES = 3  # of a surface
PERCENT = 3.0  # a median vol above it means that vols came in percent
PLACE = ("log_moneyness", "time_to_maturity")
BID_ASK = ("implied_vol_bid", "implied_vol_ask")
MARKET = ("market_return", "market_vol", "treasury_rate")
KIND = "quote_kind"
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
            missing or null is treated as unknown. pandas works as well.
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
        numbered = targets.with_row_index("_row").sort("surface_id", maintain_order=True)
        shown = context.sort("surface_id", maintain_order=True)
        shown = shown.join(numbered, on="surface_id", how="semi", maintain_order="left")
        quoted = _quoted(shown)
        places = _by_surface(numbered, [_numbers(numbered, name) for name in PLACE])
        found = self._many(quoted, places) if len(quoted) >= MANY else self._few(quoted, places)
        columns = [self._columns(*pair) for pair in zip(found, quoted, strict=True)]
        answered = {
            name: np.concatenate([own[name] for own in columns] or [np.empty(0)]) for name in (*ANSWERED, *INTERVALS)
        }
        return numbered.with_columns(**answered).sort("_row").drop("_row")

    def calibrated(self, history: pl.DataFrame) -> "Pretrained":
        """The same weights with intervals that have covered one's own quotes.

        Parameters
        ----------
        history
            Whole surfaces of earlier days, 200 quotes or more of one kind, with the columns of a context.

        Returns
        -------
        A model whose 50 % and 90 % intervals covered so many of the history's quotes when these were hidden at random,
        in wings, by expiry and so on; the surfaces that it answers with are the same. It takes a minute.

        Raises
        ------
        DataError
            As for a context, or the history is too small.
        """
        from ivyspt.pretraining.history import bands_from  # noqa: PLC0415  torch, for which completing need not wait

        history = _frame(history)
        _check_context(history, "history")
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


def _check_context(context: pl.DataFrame, where: str = "context") -> None:
    _check_columns(context, (*PLACE, "implied_vol"), where)
    for name in BID_ASK:
        if name in context.columns:
            _refuse(context, where, name, pl.col(name).is_nan() | (pl.col(name) < 0), "must not be NaN or negative")
    _refuse(context, where, "implied_vol", pl.col("implied_vol") <= 0, "must be positive")
    median = context["implied_vol"].median()
    if median is not None and median > PERCENT:
        raise DataError(
            f"{where}: implied_vol must be a decimal (0.2 for 20 %), got a median of {median:.4g}: divide by 100"
        )
    _check_one_value(context, where, [name for name in (*MARKET, KIND) if name in context.columns])
    counts = context.group_by("surface_id", maintain_order=True).len().filter(pl.col("len") < FEWEST_QUOTES)
    if counts.height:
        first = counts.row(0)
        raise DataError(
            f"{where}: each surface must have at least {FEWEST_QUOTES} quotes, got {first[1]} for {first[0]!r}"
            f" ({counts.height} such surfaces)"
        )
    twins = context.filter(context.select("surface_id", *PLACE).is_duplicated())
    if twins.height:
        first = twins.select("surface_id", *PLACE).row(0)
        raise DataError(
            f"{where}: each (surface_id, log_moneyness, time_to_maturity) must stand once, got {twins.height} rows that"
            f" share theirs, first {first}: blend call and put vols, or keep the out-of-the-money one"
        )


def _check_one_value(context: pl.DataFrame, where: str, names: list[str]) -> None:
    """What a surface has once must be the same in all its rows."""
    if KIND in names:
        known = pl.col(KIND).is_null() | pl.col(KIND).cast(pl.String).is_in(QUOTE_KINDS)
        _refuse(context, where, KIND, ~known, f"must be {', '.join(QUOTE_KINDS)} or null")
    for name in names:
        several = pl.col(name).n_unique().over("surface_id") > 1
        _refuse(context, where, name, several, "must be the same in all rows of a surface")


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
    _refuse(table, where, "surface_id", pl.col("surface_id").is_null(), "must not be null")
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


def _quoted(context: pl.DataFrame) -> list[Quoted]:
    """The quotes of each surface of a table that is sorted by surface."""
    unknown = np.full(context.height, np.nan)
    low, high = (_numbers(context, name) if name in context.columns else unknown for name in BID_ASK)
    half_spread = np.where(high > low, (high - low) / 2, np.nan)
    market = np.stack([_numbers(context, name) if name in context.columns else unknown for name in MARKET], -1)
    kind = context[KIND].to_numpy() if KIND in context.columns else np.full(context.height, None)
    quotes = [_numbers(context, name) for name in (*PLACE, "implied_vol")]
    parts = _by_surface(context, [*quotes, half_spread, market, kind])
    return [Quoted(*columns, market[0], kind[0]) for *columns, market, kind in parts]


def _by_surface(table: pl.DataFrame, columns: list[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    """Columns of a table that is sorted by surface, cut where a new one begins."""
    if table.is_empty():
        return []
    ends = table["surface_id"].rle().struct.field("len").to_numpy().cumsum()[:-1]
    return list(zip(*(np.split(column, ends) for column in columns), strict=True))


def _numbers(table: pl.DataFrame, name: str) -> np.ndarray:
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
