"""Small vendor files that tests write, and where the real ones are."""

import os
from pathlib import Path

import polars as pl
import pytest

from ivyspt.config import Data

REAL = os.environ.get("IVYSPT_DATA")
needs_data = pytest.mark.skipif(REAL is None, reason="IVYSPT_DATA does not name the folder of real data")

HEADER = "symbol,day,expiry,strike,type,bid,ask,vol,spot,volume,open"
COLUMNS = {
    "symbol": "symbol",
    "quote_date": "day",
    "expiry": "expiry",
    "strike": "strike",
    "option_type": "type",
    "bid": "bid",
    "ask": "ask",
    "vendor_implied_vol": "vol",
    "underlying_price": "spot",
    "volume": "volume",
    "open_interest": "open",
}
OPTIONS = {"columns": COLUMNS, "constants": {"settlement": "pm", "exercise": "american"}, "implied_vol_unit": "percent"}
STRIKES = (90.0, 95.0, 100.0, 105.0, 110.0)


def chain(
    *, day="2026-06-09", symbol="AAPL", expiry="2026-07-17", strikes=STRIKES, spot=100.0, time_value=2.0
) -> list[str]:
    """Rows of a chain whose mids satisfy parity at a forward equal to spot and a discount factor of 1."""
    rows = []
    for strike in strikes:
        for letter, intrinsic in (("C", max(spot - strike, 0.0)), ("P", max(strike - spot, 0.0))):
            mid = intrinsic + time_value
            rows.append(f"{symbol},{day},{expiry},{strike},{letter},{mid - 0.1:.2f},{mid + 0.1:.2f},20.0,{spot},7,11")
    return rows


def write(folder: Path, *rows: str, name: str = "quotes.csv", header: str = HEADER) -> Path:
    """A CSV of the rows."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def mapped_data(folder: Path, options: dict = OPTIONS, **keys) -> Data:
    """The configuration's section for files that `COLUMNS` describes."""
    return Data(adapter="column_map", label="test", simulated=False, data_dir=str(folder), options=options, **keys)


def vendor_data(folder: Path, adapter: str = "any", **options) -> Data:
    """The same for files in a vendor's layout."""
    return Data(adapter=adapter, label="test", simulated=False, data_dir=str(folder), options=options)


def dropped_as(rejections: pl.DataFrame) -> dict[str, int]:
    """Rows dropped, by reason."""
    return dict(rejections.group_by("reason").agg(pl.col("quotes").sum()).sort("reason").iter_rows())


def real_data(adapter: str, folder: str, **keys) -> Data:
    """The same for a folder of real data."""
    keys = {"options": {}, **keys}
    return Data(adapter=adapter, label=adapter, simulated=False, data_dir=f"{REAL}/{folder}", **keys)
