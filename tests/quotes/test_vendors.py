"""Each vendor's layout on small files, and the same files by a column map."""

import io
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import zstandard

from ivyspt.columns import DataError
from ivyspt.config import Data
from ivyspt.quotes import (
    adapters,
    cboe_datashop,
    lean,
    mapped,
    megacaps,
    optionsdx,
    spx_short_dated,
    spy_thin,
    us_panel,
)
from tests.quotes.written import dropped_as, mapped_data, vendor_data


def as_mapped(folder: Path, column_map) -> pl.DataFrame:
    """The quotes of a folder by the column map as a study's configuration would hold it."""
    return mapped.read(mapped_data(folder, options=column_map.model_dump(mode="json")))[0]


def tar_zst(path: Path, members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(zstandard.compress(buffer.getvalue()))


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_us_panel_reads_both_sides_percent_and_zero_as_unknown(tmp_path):
    pl.DataFrame(
        {
            "date": [datetime(2026, 6, 9).date()] * 2,
            "symbol": ["AAPL"] * 2,
            "underlyingPrice": [None, None],
            "expiry": [datetime(2026, 7, 17).date(), datetime(2026, 6, 9).date()],
            "strike": [300.0, 300.0],
            "callPrice": [10.5, 1.0],
            "callIv": [32.5, 0.0],
            "callDelta": [0.5, 0.5],
            "callVolume": [3, 3],
            "callOi": [4, 4],
            "putPrice": [11.5, 0.0],
            "putIv": [0.0, 0.0],
            "putDelta": [-0.5, -0.5],
            "putVolume": [5, 5],
            "putOi": [6, 6],
        },
        schema_overrides={"underlyingPrice": pl.Float64},
    ).write_parquet(tmp_path / "chains_x.parquet")
    quotes, rejections = us_panel.read(vendor_data(tmp_path))
    call, put = quotes.rows(named=True)
    assert (call["mark"], call["vendor_implied_vol"], call["volume"], call["open_interest"]) == (10.5, 0.325, 3, 4)
    assert (put["mark"], put["vendor_implied_vol"], put["volume"], put["open_interest"]) == (11.5, None, 5, 6)
    assert (call["bid"], call["ask"], call["underlying_price"]) == (None, None, None)
    assert dropped_as(rejections) == {"expired": 2}
    assert as_mapped(tmp_path, us_panel.column_map(vendor_data(tmp_path))).equals(quotes)


MEGACAPS = (
    "symbol,quote_date,expiration,strike,option_type,bid,ask,mid,implied_volatility,delta,gamma,theta,vega,dte,"
    "underlying_price,volume,open_interest,iv_rank\n"
)


def test_megacaps_reads_the_members_asked_for(tmp_path):
    row = "{},{},2026-07-31,250.0,C,{},12.4,12.2,{},0.5,0.1,-0.1,0.2,11,255.5,7,58,0.1\n"
    members = {
        f"data/{symbol}/{day}.csv": (MEGACAPS + row.format(symbol, day, bid, vol)).encode()
        for symbol, day, bid, vol in [
            ("AAPL", "2026-07-20", "12.0", "31.5"),
            ("AAPL", "2026-07-21", "0.0", "0.001"),
            ("JNJ", "2026-07-20", "12.0", "text in another symbol's file"),
        ]
    }
    tar_zst(tmp_path / "csv.tar.zst", {**members, "data/readme.txt": b"not a table"})
    asked = Data(adapter="megacaps", label="test", simulated=False, data_dir=str(tmp_path), symbols=["AAPL"])
    quotes, _ = megacaps.read(asked)
    assert quotes["quote_time"].to_list() == [datetime(2026, 7, 20, 16), datetime(2026, 7, 21, 16)]
    assert quotes["vendor_implied_vol"].to_list() == [pytest.approx(0.315, abs=1e-15), None]
    assert quotes["bid"].to_list() == [12.0, 0.0]
    with pytest.raises(
        DataError, match=r"csv\.tar\.zst:data/JNJ/2026-07-20\.csv row 1: column implied_volatility must"
    ):
        megacaps.read(vendor_data(tmp_path))
    (tmp_path / "csv.tar.zst").write_bytes((tmp_path / "csv.tar.zst").read_bytes()[:-20])
    with pytest.raises(DataError, match=r"csv\.tar\.zst: must be a whole, readable file"):
        megacaps.read(asked)


def spx_row(day: str, expiry: str, side: str, bid: float, ask: float) -> dict:
    return {
        "date": datetime.fromisoformat(day).date(),
        "spot": 6900.0,
        "strikePrice": 6900,
        "volatility": 17.0,
        "openInterest": 3,
        "volume": 2,
        "optionType": side,
        "expirationDate": expiry,
        "bidPrice": bid,
        "askPrice": ask,
    }


def test_spx_gives_up_what_mixes_settlements_and_reads_neither_spot_nor_vol(tmp_path):
    rows = [
        spx_row("2026-02-20", "2026-02-20", "Call", 0.0, 0.0),  # a third Friday
        spx_row("2026-02-20", "2026-02-23", "Call", 10.0, 11.0),
        spx_row("2026-02-23", "2026-02-23", "Put", 10.0, 11.0),
        spx_row("2026-06-10", "2026-06-18", "Put", 10.0, 11.0),  # the third Friday, 19 June, is a holiday
        spx_row("2026-06-10", "2026-06-17", "Put", 10.0, 11.0),
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "spx.parquet")
    quotes, rejections = spx_short_dated.read(vendor_data(tmp_path))
    assert dropped_as(rejections) == {"expired": 1, "settlement_unknown": 2}
    assert quotes["expiry"].to_list() == [datetime(2026, 2, 23, 16), datetime(2026, 6, 17, 16)]
    assert quotes["quote_time"].to_list() == [datetime(2026, 2, 20, 16, 15), datetime(2026, 6, 10, 16, 15)]
    assert quotes.select("root", "exercise", "settlement").unique().rows() == [("SPXW", "european", "pm")]
    assert quotes["underlying_price"].null_count() == quotes["vendor_implied_vol"].null_count() == 2


def test_spy_thin_takes_the_root_from_the_contract(tmp_path):
    header = "underlying,underlying_last,optionroot,type,expiration,quotedate,strike,last,bid,ask,volume,openinterest"
    header += ",impliedvol"
    row = "SPY,368.79,SPY210129P00345000,put,2021-01-29,2021-01-04,345.0,2.71,2.76,2.78,7424,48199,0.28804"
    (tmp_path / "options.csv").write_text(f"{header}\n{row}\n")
    quotes, _ = spy_thin.read(vendor_data(tmp_path))
    only = quotes.row(0, named=True)
    assert (only["root"], only["option_type"], only["vendor_implied_vol"]) == ("SPY", "put", 0.28804)
    assert as_mapped(tmp_path, spy_thin.column_map(vendor_data(tmp_path))).equals(quotes)


CBOE = (
    "underlying_symbol,quote_date,root,expiration,strike,option_type,open,high,low,close,trade_volume,bid_size_1545,"
    "bid_1545,ask_size_1545,ask_1545,underlying_bid_1545,underlying_ask_1545,implied_underlying_price_1545,"
    "active_underlying_price_1545,implied_volatility_1545,delta_1545,gamma_1545,theta_1545,vega_1545,rho_1545,"
    "bid_size_eod,bid_eod,ask_size_eod,ask_eod,underlying_bid_eod,underlying_ask_eod,vwap,open_interest,delivery_code\n"
)
CBOE_ROW = (
    "{symbol},2023-01-03,{root},{expiry},3850.000,C,0,0,0,0,15,10,{bid},10,51.0,{spot},{spot},0,0,0.2150,0,0,0,0,0,"
    "5,52.0,5,53.0,3824.0,3826.0,0,120,\n"
)


def cboe_file(folder: Path, layout: str = CBOE) -> None:
    rows = [
        CBOE_ROW.format(symbol="^SPX", root="SPX", expiry="2023-01-20", bid="50.0", spot="3830.0"),
        CBOE_ROW.format(symbol="^SPX", root="SPXW", expiry="2023-01-20", bid="50.5", spot="3830.0"),
        CBOE_ROW.format(symbol="AAPL", root="AAPL", expiry="2023-01-20", bid="50.5", spot="0.0000"),
        CBOE_ROW.format(symbol="AAPL", root="AAPL1", expiry="2023-01-20", bid="50.5", spot="130.0"),
    ]
    with zipfile.ZipFile(folder / "UnderlyingOptionsEODCalcs_2023-01-03.zip", "w") as archive:
        archive.writestr("UnderlyingOptionsEODCalcs_2023-01-03.csv", layout + "".join(rows))


def test_cboe_keeps_am_and_pm_series_apart_and_drops_adjusted_contracts(tmp_path):
    cboe_file(tmp_path)
    quotes, rejections = cboe_datashop.read(vendor_data(tmp_path))
    assert dropped_as(rejections) == {"adjusted_contract": 1}
    terms = quotes.select("symbol", "root", "settlement", "exercise", "expiry", "bid", "underlying_price").rows()
    assert terms == [
        ("AAPL", "AAPL", "pm", "american", datetime(2023, 1, 20, 16), 50.5, None),
        ("SPX", "SPX", "am", "european", datetime(2023, 1, 20, 9, 30), 50.0, 3830.0),
        ("SPX", "SPXW", "pm", "european", datetime(2023, 1, 20, 16), 50.5, 3830.0),
    ]
    assert set(quotes["quote_time"]) == {datetime(2023, 1, 3, 15, 45)}
    assert set(quotes["vendor_implied_vol"]) == {0.215}


def test_cboe_snapshot_at_the_close_has_its_own_times_and_columns(tmp_path):
    cboe_file(tmp_path)
    quotes, _ = cboe_datashop.read(vendor_data(tmp_path, snapshot="eod"))
    times = dict(quotes.select("symbol", "quote_time").unique().iter_rows())
    assert times == {"AAPL": datetime(2023, 1, 3, 16), "SPX": datetime(2023, 1, 3, 16, 15)}
    assert quotes.select("bid", "ask", "underlying_price").unique().rows() == [(52.0, 53.0, 3825.0)]
    assert quotes["vendor_implied_vol"].null_count() == 3
    with pytest.raises(DataError, match=r"data\.options\.snapshot"):
        cboe_datashop.read(vendor_data(tmp_path, snapshot="noon"))


def test_cboe_without_calcs_has_no_vols(tmp_path):
    cboe_file(tmp_path, CBOE.replace("implied_volatility_1545", "something_else"))
    quotes, _ = cboe_datashop.read(vendor_data(tmp_path))
    assert quotes["vendor_implied_vol"].null_count() == 3


OPTIONSDX = (
    "[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [QUOTE_TIME_HOURS], [UNDERLYING_LAST], [EXPIRE_DATE], "
    "[EXPIRE_UNIX], [DTE], [C_DELTA], [C_GAMMA], [C_VEGA], [C_THETA], [C_RHO], [C_IV], [C_VOLUME], [C_LAST], [C_SIZE], "
    "[C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_LAST], [P_DELTA], [P_GAMMA], [P_VEGA], [P_THETA], "
    "[P_RHO], [P_IV], [P_VOLUME], [STRIKE_DISTANCE], [STRIKE_DISTANCE_PCT]\n"
)
OPTIONSDX_ROW = (
    "1672779600, 2023-01-03 16:00, 2023-01-03, 16.0, {spot}, {expiry}, 1674248400, 17.0, 0.5, 0.01, 0.2, -0.1, 0.1, "
    "0.21500, 15.0, 9.9, 10 x 10, 10.0, 10.4, 380.0, 9.0, 9.4, 5 x 5, 9.1, -0.5, 0.01, 0.2, -0.1, 0.1, , , 1.0, 0.003\n"
)


def test_optionsdx_reads_bracketed_columns_both_sides_and_times(tmp_path):
    (tmp_path / "spy_eod_202301.txt").write_text(OPTIONSDX + OPTIONSDX_ROW.format(spot="380.8", expiry="2023-01-20"))
    quotes, _ = optionsdx.read(vendor_data(tmp_path, symbol="SPY"))
    call, put = quotes.rows(named=True)
    assert call["quote_time"] == datetime(2023, 1, 3, 16)
    assert call["expiry"] == datetime(2023, 1, 20, 16)
    assert (call["bid"], call["ask"], call["vendor_implied_vol"], call["volume"]) == (10.0, 10.4, 0.215, 15.0)
    assert (put["bid"], put["ask"], put["vendor_implied_vol"], put["volume"]) == (9.0, 9.4, None, None)
    assert call["exercise"] == "american"
    assert as_mapped(tmp_path, optionsdx.column_map(vendor_data(tmp_path, symbol="SPY"))).equals(quotes)
    with pytest.raises(DataError, match=r"data\.options\.symbol: Field required"):
        optionsdx.read(vendor_data(tmp_path))


def test_optionsdx_gives_up_monthly_expiries_of_symbols_with_both_settlements(tmp_path):
    rows = [OPTIONSDX_ROW.format(spot="380.8", expiry=expiry) for expiry in ("2023-01-20", "2023-01-27")]
    (tmp_path / "spx_eod_202301.txt").write_text(OPTIONSDX + "".join(rows))
    quotes, rejections = optionsdx.read(vendor_data(tmp_path, symbol="SPX"))
    assert set(quotes["expiry"]) == {datetime(2023, 1, 27, 16)}
    assert set(quotes["exercise"]) == {"european"}
    assert dropped_as(rejections) == {"settlement_unknown": 2}


LEAN_BAR = "20140606 00:00,{bid},{bid},{bid},{bid},30,12500,12500,12500,{ask},6"


def lean_archive() -> bytes:
    return zipped(
        {
            "aapl_quote_american_call_10000000_20150117.csv": LEAN_BAR.format(bid=12100, ask=13300),
            "aapl_quote_american_put_6450000_20140621.csv": LEAN_BAR.format(bid="", ask=13300)
            + "\n20140609 00:00,1,1,1,20000,1,1,1,1,21000,1",
        }
    )


def test_lean_reads_contracts_from_names_and_prices_in_ten_thousandths(tmp_path):
    tar_zst(
        tmp_path / "data.tar.zst",
        {
            "Data/option/usa/daily/aapl_2014_quote_american.zip": lean_archive(),
            "Data/option/usa/daily/aapl_2014_trade_american.zip": b"not opened",
            "Data/option/usa/daily/goog_2014_quote_american.zip": b"not opened either",
        },
    )
    asked = Data(adapter="lean", label="test", simulated=False, data_dir=str(tmp_path), symbols=["AAPL"])
    quotes, rejections = lean.read(asked)
    assert quotes.select("option_type", "strike", "expiry", "bid", "ask").rows() == [
        ("call", 1000.0, datetime(2015, 1, 16, 16), 1.21, 1.33),  # listed for Saturday the 17th
        ("put", 645.0, datetime(2014, 6, 20, 16), 2.0, 2.1),
    ]
    assert dropped_as(rejections) == {"one_sided": 1}
    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "aapl_2014_quote_american.zip").write_bytes(lean_archive())
    assert lean.read(vendor_data(folder))[0].equals(quotes)
    with pytest.raises(DataError, match=r"goog_2014_quote_american\.zip: must be a whole, readable file"):
        lean.read(vendor_data(tmp_path))


def test_lean_names_members_that_say_no_contract(tmp_path):
    (tmp_path / "aapl_2014_quote_american.zip").write_bytes(zipped({"surprise.csv": "1"}))
    with pytest.raises(DataError, match=r"members must be named like .* got surprise\.csv"):
        lean.read(vendor_data(tmp_path))


def test_adapters_are_found_by_name_and_others_refused(tmp_path):
    cboe_file(tmp_path)
    parts = list(adapters.read_by_symbol(vendor_data(tmp_path, adapter="cboe_datashop")))
    assert pl.concat([quotes for quotes, _ in parts]).equals(cboe_datashop.read(vendor_data(tmp_path))[0])
    with pytest.raises(DataError, match=r"data\.adapter must be one of .*us_panel, got us_pannel"):
        adapters.read_by_symbol(vendor_data(tmp_path, adapter="us_pannel"))
