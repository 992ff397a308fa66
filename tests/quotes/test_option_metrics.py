"""IvyDB's option prices with the tables beside them, on small files of the documented layout."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ivyspt.columns import QUOTES, DataError, check
from ivyspt.quotes import option_metrics
from tests.quotes.written import dropped_as, vendor_data

OPPRCD = (
    "secid,date,symbol,symbol_flag,exdate,last_date,cp_flag,strike_price,best_bid,best_offer,volume,open_interest,"
    "impl_volatility,delta,gamma,vega,theta,optionid,cfadj,am_settlement,contract_size,ss_flag,forward_price,"
    "expiry_indicator\n"
)
OPPRCD_ROW = (
    "{secid},2013-06-03,{contract},1,{expiry},2013-05-31,C,{strike},1.50,1.60,12,340,{vol},0,0,0,0,1,1,{am},{size},"
    "{flag},,\n"
)
AAPL = {"secid": 101594, "contract": "AAPL 130622C450000", "expiry": "2013-06-22", "strike": 450000}
AAPL |= {"vol": 0.25, "am": 0, "size": 100, "flag": 0}


def option_metrics_files(folder: Path, secprd: str = "") -> None:
    spx = {"secid": 108105, "contract": "SPX   130622C01650000", "strike": 1650000, "am": 1}
    weekly = {"secid": 108105, "contract": "SPXW  130628C01650000", "strike": 1650000, "expiry": "2013-06-28"}
    rows = [
        {},
        {"strike": 460000, "vol": "-99.990000"},
        {"strike": 470000, "vol": ""},
        {"strike": 480000, "flag": 1},
        {"strike": 490000, "size": 10},
        spx,
        weekly,
        {"secid": 999999, "contract": "XYZ   130622C00010000", "strike": 10000},
    ]
    text = "".join(OPPRCD_ROW.format(**{**AAPL, **row}) for row in rows)
    (folder / "opprcd2013.csv").write_text(OPPRCD + text)
    prices = "secid,date,close\n101594,2013-06-03,450.72\n108105,2013-06-03,1640.42\n101594,2013-05-31,-449.7\n"
    (folder / "secprd2013.csv").write_text(prices + secprd)
    names = "secid,effect_date,ticker\n101594,1996-01-01,OLD\n101594,2005-01-01,AAPL\n108105,1990-01-01,SPX\n"
    names += "101594,2014-01-01,NEW\n"
    (folder / "secnmd.csv").write_text(names)


def test_option_metrics_joins_underlyings_and_names_as_of_the_date(tmp_path):
    option_metrics_files(tmp_path)
    quotes, rejections = option_metrics.read(vendor_data(tmp_path, security_names="*secnmd*"))
    assert dropped_as(rejections) == {"adjusted_contract": 1, "special_settlement": 1}
    found = quotes.select(
        "symbol", "root", "strike", "expiry", "settlement", "exercise", "underlying_price", "vendor_implied_vol"
    )
    friday = datetime(2013, 6, 21, 16)
    assert found.rows() == [
        ("999999", "XYZ", 10.0, friday, "pm", "american", None, 0.25),
        ("AAPL", "AAPL", 450.0, friday, "pm", "american", 450.72, 0.25),
        ("AAPL", "AAPL", 460.0, friday, "pm", "american", 450.72, None),
        ("AAPL", "AAPL", 470.0, friday, "pm", "american", 450.72, None),
        ("SPX", "SPX", 1650.0, datetime(2013, 6, 21, 9, 30), "am", "european", 1640.42, 0.25),
        ("SPX", "SPXW", 1650.0, datetime(2013, 6, 28, 16), "pm", "european", 1640.42, 0.25),
    ]
    assert set(quotes["last_trade_time"]) == {datetime(2013, 5, 31)}
    assert quotes.equals(check(quotes, QUOTES, "test"))


def test_option_metrics_falls_back_on_secids_and_takes_closes_without_their_sign(tmp_path):
    option_metrics_files(tmp_path)
    quotes, _ = option_metrics.read(vendor_data(tmp_path))
    assert sorted(quotes["symbol"].unique()) == ["101594", "108105", "999999"]
    options = option_metrics.Options()
    closes = option_metrics.underlyings(vendor_data(tmp_path), options, option_metrics.column_map(options))
    assert closes.sort("joined_close")["joined_close"].to_list() == [449.7, 450.72, 1640.42]


def test_option_metrics_in_parquet_says_the_same(tmp_path):
    option_metrics_files(tmp_path)
    text, _ = option_metrics.read(vendor_data(tmp_path, security_names="*secnmd*"))
    folder = tmp_path / "parquet"
    folder.mkdir()
    for name in ("opprcd2013", "secprd2013", "secnmd"):
        pl.read_csv(tmp_path / f"{name}.csv", try_parse_dates=True).write_parquet(folder / f"{name}.parquet")
    assert option_metrics.read(vendor_data(folder, security_names="*secnmd*"))[0].equals(text)


def test_option_metrics_refuses_two_closes_and_text(tmp_path):
    option_metrics_files(tmp_path, secprd="108105,2013-06-03,1641.0\n")
    with pytest.raises(
        DataError, match="a security must have one close a day, got several for secid 108105 on 2013-06-03"
    ):
        option_metrics.read(vendor_data(tmp_path))
    option_metrics_files(tmp_path, secprd="108105,2013-06-04,high\n")
    with pytest.raises(DataError, match=r"secprd2013\.csv row 4: column close must hold a number, got high"):
        option_metrics.read(vendor_data(tmp_path))
