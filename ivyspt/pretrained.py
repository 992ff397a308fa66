"""The flagship for one's own quotes: `load_pretrained(name).complete(context, targets)`, tables in and out."""

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
        surfaces = context.join(targets, on="surface_id", how="semi").select(pl.col("surface_id").unique())
        surfaces = surfaces.with_row_index("_surface")
        numbered, shown = (
            table.join(surfaces, on="surface_id", maintain_order="left").sort("_surface", maintain_order=True)
            for table in (targets.with_row_index("_row"), context)
        )
        quoted = _quoted(shown)
        places = _by_surface(numbered, [_numbers(numbered, name) for name in PLACE])
        found = self._many(quoted, places) if len(quoted) >= MANY else self._few(quoted, places)
        columns = [self._columns(*pair) for pair in zip(found, quoted, strict=True)]
        answered = {
            name: np.concatenate([own[name] for own in columns] or [np.empty(0)]) for name in (*ANSWERED, *INTERVALS)
        }
        return numbered.with_columns(**answered).sort("_row").drop("_row", "_surface")

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
    ends = table["_surface"].rle().struct.field("len").to_numpy().cumsum()[:-1]
    return list(zip(*(np.split(column, ends) for column in columns), strict=True))


def _numbers(table: pl.DataFrame, name: str) -> np.ndarray:
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
