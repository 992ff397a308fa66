"""A tiny folder in the layout of OptionMetrics IvyDB US, as WRDS delivers it, filled from the simulated market."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ivyspt.config import Data
from ivyspt.quotes import simulated

DENSE = {"symbols": 3, "expiries": 3, "weeklies": 2, "strike_step": 0.03}
THIN = {"symbols": 2, "expiries": 3, "strike_step": 0.05, "max_z": 2.0, "half_spread": 0.03, "half_spread_vol": 0.006}
MARKET = {"seed": 13, "days": 24, "start": "2013-01-02", "liquid": DENSE, "sparse": THIN}
# simulated symbol -> secid, ticker; SPX is an index, hence European
SECURITIES = {
    "LIQUID1": (108105, "SPX"),
    "LIQUID2": (101594, "AAPL"),
    "LIQUID3": (107899, "GLD"),
    "SPARSE1": (101397, "AIN"),
    "SPARSE2": (150513, "SCOR"),
}
VIX = 117801
CURVE_DAYS = (10, 30, 91, 182, 365, 730)
UNKNOWN = -99.99


def write_ivydb(folder: Path) -> Data:
    """Write opprcd, secprd, secnmd, zerocd and distrd; return the simulation that they are from.

    One contract is of special settlement, one is for ten shares.
    """
    data = Data(adapter="simulated", label="made up", simulated=True, options=MARKET)
    quotes, _ = simulated.read(data)
    folder.mkdir(parents=True, exist_ok=True)
    secid, ticker = ({name: pair[place] for name, pair in SECURITIES.items()} for place in (0, 1))
    rows = quotes.sort("quote_time", "symbol", "expiry", "option_type", "strike").with_columns(
        secid=pl.col("symbol").replace_strict(secid), ticker=pl.col("symbol").replace_strict(ticker)
    )
    _option_prices(rows).write_csv(folder / "opprcd2013.csv")
    _security_prices(rows, simulated.market_series(data)).write_csv(folder / "secprd2013.csv")
    names = [(number, "1996-01-01", name) for number, name in SECURITIES.values()]
    pl.DataFrame(names, schema=["secid", "effect_date", "ticker"], orient="row").write_csv(folder / "secnmd.csv")
    _zero_curve(simulated.market_series(data)["treasury_rate"]).write_csv(folder / "zerocd.csv")
    (folder / "distrd.csv").write_text(
        "secid,record_date,seq_num,ex_date,amount,adj_factor,declare_date,payment_date,link_secid,distr_type,frequency,"
        "currency,approx_flag,cancel_flag,liquid_flag\n"
        "101594,2013-02-11,1,2013-02-07,0.20,,2013-01-23,2013-02-14,,1,4,USD,0,0,0\n"
    )
    return data


def _option_prices(rows: pl.DataFrame) -> pl.DataFrame:
    thousandths = (1000 * pl.col("strike")).round().cast(pl.Int64)
    letter = pl.col("option_type").str.head(1).str.to_uppercase()
    code = pl.format("{} {}{}{}", "ticker", pl.col("expiry").dt.strftime("%y%m%d"), letter, _padded(thousandths))
    number = pl.int_range(pl.len())
    return rows.select(
        "secid",
        date=pl.col("quote_time").dt.date(),
        symbol=code,
        symbol_flag=1,
        exdate=pl.col("expiry").dt.date(),
        last_date=pl.col("quote_time").dt.date(),
        cp_flag=letter,
        strike_price=thousandths,
        best_bid="bid",
        best_offer="ask",
        volume=10,
        open_interest=100,
        impl_volatility=pl.lit(UNKNOWN),
        delta=pl.lit(UNKNOWN),
        optionid=number,
        cfadj=1,
        am_settlement=0,
        contract_size=pl.when(number == 1).then(10).otherwise(100),
        ss_flag=(number == 0).cast(pl.Int8),
        forward_price=None,
        expiry_indicator=None,
    )


def _padded(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.zfill(8)


def _security_prices(rows: pl.DataFrame, series: dict[str, pl.DataFrame]) -> pl.DataFrame:
    own = rows.select("secid", pl.col("quote_time").dt.date().alias("date"), close="underlying_price").unique()
    vix = series["market_vol"].select(pl.lit(VIX).alias("secid"), "date", close=100 * pl.col("value"))
    return pl.concat([own, vix], how="vertical_relaxed").sort("secid", "date")


def _zero_curve(rates: pl.DataFrame) -> pl.DataFrame:
    before: date = rates["date"].min() - timedelta(days=1)
    first = rates.head(1).with_columns(date=pl.lit(before))
    days = pl.DataFrame({"days": CURVE_DAYS})
    return pl.concat([first, rates]).join(days, how="cross").select("date", "days", rate=100 * pl.col("value"))
