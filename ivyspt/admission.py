"""What tables of quotes and of places must be for a completion: the first rule that is broken, in one sentence."""

from typing import NamedTuple

import polars as pl

from ivyspt.columns import DataError
from ivyspt.flagship_config import QUOTE_KINDS
from ivyspt.mixture.typical import LONGEST, SHORTEST

FEWEST_QUOTES = 3  # of a surface
PERCENT = 3.0  # a median vol above it, or a market's, means that vols came in percent
PLACE = ("log_moneyness", "time_to_maturity")
BID_ASK = ("implied_vol_bid", "implied_vol_ask")
MARKET = ("market_return", "market_vol", "treasury_rate")
KIND = "quote_kind"


class Rule(NamedTuple):
    """What must hold of a column, and which rows break it."""

    name: str
    broken: pl.Expr
    sentence: str


def check_context(context: pl.DataFrame, where: str = "context") -> None:
    """Raise a DataError unless the quotes can be completed from."""
    optional = [name for name in (*BID_ASK, *MARKET) if name in context.columns]
    _check_columns(context, (*PLACE, "implied_vol"), optional, where)
    rules = _rules((*PLACE, "implied_vol"))
    rules.append(Rule("implied_vol", pl.col("implied_vol") <= 0, "must be positive"))
    rules += [
        Rule(name, pl.col(name).is_nan() | (pl.col(name) < 0), "must not be NaN or negative")
        for name in BID_ASK
        if name in context.columns
    ]
    change, vol, rate = (pl.col(name).cast(pl.Float64).fill_nan(None) for name in MARKET)
    market = [
        Rule("market_vol", (vol <= 0) | (vol > PERCENT), "must be a positive decimal, VIX / 100"),
        Rule("market_return", change.abs() >= 1, "must be a decimal, 0.01 for 1 %"),
        Rule("treasury_rate", rate.abs() >= 1, "must be a decimal, 0.04 for 4 %"),
    ]
    rules += [rule for rule in market if rule.name in context.columns]
    if KIND in context.columns:
        unknown = ~(pl.col(KIND).is_null() | pl.col(KIND).cast(pl.String).is_in(QUOTE_KINDS))
        rules.append(Rule(KIND, unknown, f"must be {', '.join(QUOTE_KINDS)} or null"))
    rules += [
        Rule(name, pl.col(name).n_unique().over("surface_id") > 1, "must be the same in all rows of a surface")
        for name in (*MARKET, KIND)
        if name in context.columns
    ]
    _enforce(context, where, rules)
    _check_percent(context, where)
    _check_counts(context, where)


def check_targets(targets: pl.DataFrame, context: pl.DataFrame) -> None:
    """Raise a DataError unless each place can be answered at."""
    _check_columns(targets, PLACE, [], "targets")
    _enforce(targets, "targets", _rules(PLACE))
    asked, known = targets["surface_id"], context["surface_id"]
    sentence = f"targets: surface_id must be of the context's type, {known.dtype}, got {asked.dtype}"
    if asked.dtype.is_nested() != known.dtype.is_nested():  # `is_in` would take one as a list of the others
        raise DataError(sentence)
    quoted = pl.col("surface_id").is_in(pl.lit(known).implode())
    try:
        answerable = targets.select(quoted.all()).item()
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(sentence) from error
    if not answerable:
        strangers = targets.filter(~quoted)["surface_id"]
        raise DataError(
            f"targets: each surface_id must have quotes in the context, got none for {strangers[0]!r}"
            f" ({len(strangers)} rows)"
        )


def _check_columns(table: pl.DataFrame, numbers: tuple[str, ...], optional: list[str], where: str) -> None:
    missing = [name for name in ("surface_id", *numbers) if name not in table.columns]
    if missing:
        raise DataError(f"{where}: must have the columns surface_id, {', '.join(numbers)}, got no {', '.join(missing)}")
    for name in (*numbers, *optional):
        kind = table[name].dtype
        if not (kind.is_numeric() or (name in optional and kind == pl.Null)):
            raise DataError(f"{where}: {name} must be a number, got the type {kind}")


def _rules(numbers: tuple[str, ...]) -> list[Rule]:
    """What holds of quotes and places alike."""
    rules = [Rule("surface_id", pl.col("surface_id").is_null(), "must not be null")]
    for name in numbers:
        column = pl.col(name).cast(pl.Float64)
        rules.append(Rule(name, column.is_null() | ~column.is_finite(), "must be finite"))
    tau = pl.col("time_to_maturity")
    outside = (tau < SHORTEST * (1 - 1e-9)) | (tau > LONGEST)
    rules.append(Rule("time_to_maturity", outside, f"must lie between one day and {LONGEST:g} years, in years"))
    return rules


def _enforce(table: pl.DataFrame, where: str, rules: list[Rule]) -> None:
    broken = table.select(rule.broken.any().alias(str(number)) for number, rule in enumerate(rules)).row(0)
    for rule, found in zip(rules, broken, strict=True):
        if found:
            rows = table.filter(rule.broken)
            raise DataError(
                f"{where}: {rule.name} {rule.sentence}, got {rows[rule.name][0]} in {rows.height} of {table.height}"
                f" rows, first for surface {rows['surface_id'][0]!r}"
            )


def _check_percent(context: pl.DataFrame, where: str) -> None:
    for name in ("implied_vol", *BID_ASK):
        median = context[name].median() if name in context.columns else None
        if median is not None and median > PERCENT:
            raise DataError(
                f"{where}: {name} must be a decimal (0.2 for 20 %), got a median of {median:.4g}: divide by 100"
            )


def _check_counts(context: pl.DataFrame, where: str) -> None:
    place = pl.struct("surface_id", *PLACE)
    fewest = pl.col("surface_id").unique_counts().min().alias("fewest")
    fewest, twins = context.select(fewest, place.is_duplicated().any()).row(0)
    if fewest is not None and fewest < FEWEST_QUOTES:
        counts = context.group_by("surface_id", maintain_order=True).len().filter(pl.col("len") < FEWEST_QUOTES)
        first = counts.row(0)
        raise DataError(
            f"{where}: each surface must have at least {FEWEST_QUOTES} quotes, got {first[1]} for {first[0]!r}"
            f" ({counts.height} such surfaces)"
        )
    if twins:
        shared = context.filter(place.is_duplicated())
        first = shared.select("surface_id", *PLACE).row(0)
        raise DataError(
            f"{where}: each (surface_id, log_moneyness, time_to_maturity) must stand once, got {shared.height} rows"
            f" that share theirs, first {first}: blend call and put vols, or keep the out-of-the-money one"
        )
