"""What comes out of files good and bad, by a column map; every vendor's adapter goes the same way."""

import gzip
import math
import zipfile
from datetime import date, datetime

import polars as pl
import pytest
import zstandard

from ivyspt.columns import QUOTES, REJECTIONS, DataError, check
from ivyspt.quotes import mapped
from tests.quotes.written import HEADER, OPTIONS, chain, dropped_as, mapped_data, write


def test_a_chain_comes_out_with_units_times_and_constants(tmp_path):
    write(tmp_path, *chain())
    quotes, rejections = mapped.read(mapped_data(tmp_path))
    assert quotes.equals(check(quotes, QUOTES, "test"))
    assert rejections.schema == pl.Schema(REJECTIONS.columns)
    assert quotes.height == 10
    assert rejections.height == 0
    first = quotes.row(0, named=True)
    assert first["quote_time"] == datetime(2026, 6, 9, 16)
    assert first["expiry"] == datetime(2026, 7, 17, 16)
    assert first["vendor_implied_vol"] == pytest.approx(0.2, abs=1e-15)  # 20 percent, one rounding
    assert (first["root"], first["settlement"], first["exercise"]) == ("AAPL", "pm", "american")
    assert (first["bid"], first["ask"], first["mark"]) == (11.9, 12.1, None)


def test_order_is_by_symbol_time_and_key_whatever_the_files_order(tmp_path):
    rows = chain(symbol="MSFT") + chain() + chain(day="2026-06-08", time_value=3.0)
    write(tmp_path / "one", *rows)
    write(tmp_path / "two", *reversed(rows))
    one, two = (mapped.read(mapped_data(tmp_path / name))[0] for name in ("one", "two"))
    assert one.equals(two)
    assert one.equals(one.sort("symbol", *[name for name in QUOTES.key if name != "symbol"]))


@pytest.mark.parametrize("packed", ["gz", "zst", "parquet", "hive", "zip", "several"])
def test_how_a_table_is_packed_changes_nothing(tmp_path, packed):
    rows = chain() + chain(symbol="MSFT", day="2026-06-10")
    plain = write(tmp_path / "plain", *rows)
    folder = tmp_path / packed
    folder.mkdir()
    if packed == "gz":
        (folder / "quotes.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    elif packed == "zst":
        (folder / "quotes.csv.zst").write_bytes(zstandard.compress(plain.read_bytes()))
    elif packed == "parquet":
        pl.read_csv(plain).write_parquet(folder / "quotes.parquet")
    elif packed == "hive":
        pl.read_csv(plain).write_parquet(pl.PartitionBy(folder, key=["symbol", "day"], include_key=False))
    elif packed == "zip":
        with zipfile.ZipFile(folder / "quotes.zip", "w") as archive:
            archive.write(plain, "quotes.csv")
    else:
        write(folder, *rows[:7], name="a.csv")
        write(folder, *rows[7:], name="b/c.csv", header=HEADER)
    assert mapped.read(mapped_data(folder))[0].equals(mapped.read(mapped_data(tmp_path / "plain"))[0])


def test_two_sides_a_row_equal_one_side_a_row(tmp_path):
    write(tmp_path / "one", *chain())
    sides = [row.split(",") for row in chain()]
    rows = [
        ",".join([*call[:4], *call[5:7], *put[5:7], call[8]]) for call, put in zip(sides[::2], sides[1::2], strict=True)
    ]
    write(tmp_path / "two", *rows, header="symbol,day,expiry,strike,cb,ca,pb,pa,spot")
    columns = {
        "symbol": "symbol",
        "quote_date": "day",
        "expiry": "expiry",
        "strike": "strike",
        "underlying_price": "spot",
    }
    options = {
        "columns": columns,
        "call": {"bid": "cb", "ask": "ca"},
        "put": {"bid": "pb", "ask": "pa"},
        "constants": OPTIONS["constants"],
    }
    one, two = (
        mapped.read(mapped_data(tmp_path / name, options=o))[0] for name, o in (("one", OPTIONS), ("two", options))
    )
    unknown = ["vendor_implied_vol", "volume", "open_interest"]
    assert two.drop(unknown).equals(one.drop(unknown))
    assert two.select(unknown).null_count().row(0) == (10, 10, 10)


def test_index_symbols_and_roots_decide_time_exercise_and_settlement(tmp_path):
    header = HEADER + ",root"
    rows = [f"{row},SPX" for row in chain(symbol="^SPX")] + [
        f"{row},SPXW260717C00100000" for row in chain(symbol="SPX")
    ]
    write(tmp_path, *rows, header=header)
    options = {"columns": {**OPTIONS["columns"], "root": "root"}}
    quotes, _ = mapped.read(mapped_data(tmp_path, options=options))
    assert quotes["quote_time"].unique().to_list() == [datetime(2026, 6, 9, 16, 15)]
    assert quotes["exercise"].unique().to_list() == ["european"]
    terms = quotes.select("root", "settlement", "expiry").unique().sort("root").rows()
    assert terms == [
        ("SPX", "am", datetime(2026, 7, 17, 9, 30)),
        ("SPXW", "pm", datetime(2026, 7, 17, 16)),
    ]


def test_times_in_the_file_are_kept_as_exchange_local_times(tmp_path):
    write(tmp_path, *chain(day="2026-06-09 10:30"), *chain(day="2026-06-09 15:45", time_value=2.5))
    columns = {**OPTIONS["columns"], "quote_time": "day"}
    del columns["quote_date"]
    quotes, _ = mapped.read(mapped_data(tmp_path, options={**OPTIONS, "columns": columns}))
    assert quotes["quote_time"].unique().sort().to_list() == [
        datetime(2026, 6, 9, 10, 30),
        datetime(2026, 6, 9, 15, 45),
    ]


def test_times_with_a_zone_become_times_of_the_exchange(tmp_path):
    table = pl.read_csv(write(tmp_path / "text", *chain()))
    moment = pl.datetime(2026, 6, 9, 20, 0, time_zone="UTC").alias("day")
    table.with_columns(moment).write_parquet(tmp_path / "quotes.parquet")
    columns = {**OPTIONS["columns"], "quote_time": "day"}
    del columns["quote_date"]
    options = {**OPTIONS, "columns": columns, "files": "quotes.parquet"}
    quotes, _ = mapped.read(mapped_data(tmp_path, options=options))
    assert set(quotes["quote_time"]) == {datetime(2026, 6, 9, 16)}
    abroad = mapped.read(mapped_data(tmp_path, options={**options, "time_zone": "Europe/London"}))[0]
    assert set(abroad["quote_time"]) == {datetime(2026, 6, 9, 21)}


def test_an_early_close_moves_quotes_and_expiries_by_three_hours(tmp_path):
    write(tmp_path, *chain(day="2025-11-28", expiry="2025-12-24"))
    quotes, _ = mapped.read(mapped_data(tmp_path))
    assert quotes["quote_time"].unique().to_list() == [datetime(2025, 11, 28, 13)]
    assert quotes["expiry"].unique().to_list() == [datetime(2025, 12, 24, 13)]


def test_selection_takes_first_days_and_symbols_with_most_rows(tmp_path):
    rows = chain() + chain(day="2026-06-10", time_value=3.0) + chain(day="2026-06-11")
    rows += (
        chain(symbol="B")
        + chain(symbol="Z")
        + chain(symbol="MSFT", strikes=(100.0,))
        + chain(symbol="C", day="2026-06-11")
    )
    write(tmp_path, *rows)

    def seen(**keys):
        quotes, _ = mapped.read(mapped_data(tmp_path, **keys))
        return quotes["symbol"].unique().sort().to_list(), quotes["quote_time"].dt.date().unique().sort().to_list()

    assert seen(max_days=2, max_symbols=2) == (["AAPL", "B"], [date(2026, 6, 9), date(2026, 6, 10)])
    assert seen(first_date="2026-06-10", last_date="2026-06-10") == (["AAPL"], [date(2026, 6, 10)])
    assert seen(symbols=["Z", "MSFT"], max_symbols=1) == (["Z"], [date(2026, 6, 9)])
    assert seen(symbols=["C"], max_days=1) == (["C"], [date(2026, 6, 11)])


def test_parts_hold_whole_symbols_and_say_the_same_as_one_reading(tmp_path):
    write(tmp_path, *[row for symbol in "DBCA" for row in chain(symbol=symbol)])
    small = {**OPTIONS, "chunk_rows": 11}
    parts = list(mapped.read_by_symbol(mapped_data(tmp_path, options=small)))
    assert [quotes["symbol"].unique().to_list() for quotes, _ in parts] == [["A"], ["B"], ["C"], ["D"]]
    assert pl.concat([quotes for quotes, _ in parts]).equals(mapped.read(mapped_data(tmp_path))[0])


UNUSABLE = {
    "strike_not_positive": "AAPL,2026-06-09,2026-07-17,{},C,1.0,1.2,20,100,0,0",
    "price_negative": "AAPL,2026-06-09,2026-07-17,120,C,{},1.2,20,100,0,0",
    "price_missing": "AAPL,2026-06-09,2026-07-17,120,C,{},0,20,100,0,0",
    "one_sided": "AAPL,2026-06-09,2026-07-17,120,C,{},1.2,20,100,0,0",
    "underlying_not_positive": "AAPL,2026-06-09,2026-07-17,120,C,1.0,1.2,20,{},0,0",
    "expired": "AAPL,2026-06-09,{},120,C,1.0,1.2,20,100,0,0",
    "expiry_on_closed_day": "AAPL,2026-06-09,{},120,C,1.0,1.2,20,100,0,0",
    "quoted_on_closed_day": "AAPL,{},2026-07-17,120,C,1.0,1.2,20,100,0,0",
}


@pytest.mark.parametrize(
    ("reason", "values"),
    [
        ("strike_not_positive", ["0", "-5", "", "nan", "inf"]),
        ("price_negative", ["-0.5"]),
        ("price_missing", ["0", "", "NaN"]),
        ("one_sided", ["", "nan", "N/A"]),
        ("underlying_not_positive", ["0", "-1"]),
        ("expired", ["2026-06-08", "2026-06-09", "1999-01-04"]),
        ("expiry_on_closed_day", ["2026-07-18", "2026-07-03", "2026-12-25", "0001-01-01", "9999-12-31"]),
        ("quoted_on_closed_day", ["2026-06-07", "2026-05-25"]),
    ],
)
def test_unusable_rows_are_dropped_and_counted_by_reason(tmp_path, reason, values):
    for number, value in enumerate(values):
        folder = tmp_path / str(number)
        write(folder, *chain(), UNUSABLE[reason].format(value))
        quotes, rejections = mapped.read(mapped_data(folder))
        assert quotes.height == 10
        assert dropped_as(rejections) == {reason: 1}, value


def test_every_row_is_either_a_quote_or_counted(tmp_path):
    rows = chain() + [
        line.format("-1" if "symbol" not in reason else "")
        for reason, line in UNUSABLE.items()
        if "_day" not in reason and reason != "expired"
    ]
    write(tmp_path, *rows, *chain())
    quotes, rejections = mapped.read(mapped_data(tmp_path))
    assert quotes.height + rejections["quotes"].sum() == len(rows) + 10
    assert quotes.height == 10
    assert dropped_as(rejections)["repeated_row"] == 10


def test_saturday_expiries_before_february_2015_settle_on_the_friday(tmp_path):
    write(tmp_path, *chain(day="2013-06-03", expiry="2013-06-22"), *chain(day="2008-03-03", expiry="2008-03-22"))
    quotes, rejections = mapped.read(mapped_data(tmp_path))
    assert rejections.height == 0
    friday, before_good_friday = datetime(2013, 6, 21, 16), datetime(2008, 3, 20, 16)
    assert quotes["expiry"].unique().sort().to_list() == [before_good_friday, friday]


def test_a_day_delivered_twice_is_counted_where_it_agrees_and_refused_where_not(tmp_path):
    write(tmp_path / "same", *chain(), name="a.csv")
    write(tmp_path / "same", *chain(), name="b.csv")
    quotes, rejections = mapped.read(mapped_data(tmp_path / "same"))
    assert quotes.height == 10
    assert dropped_as(rejections) == {"repeated_row": 10}
    write(tmp_path / "differing", *chain(), name="a.csv")
    write(tmp_path / "differing", *chain(time_value=2.5), name="b.csv")
    with pytest.raises(
        DataError, match=r"a\.csv row 1 and .*b\.csv row 1: a contract must have one quote a time, got bid"
    ):
        mapped.read(mapped_data(tmp_path / "differing"))


def test_a_day_delivered_twice_with_a_value_and_without_is_refused(tmp_path):
    write(tmp_path, *chain(), name="a.csv")
    write(tmp_path, *[row.replace(",20.0,", ",,") for row in chain()], name="b.csv")
    with pytest.raises(DataError, match=r"got vendor_implied_vol 0\.2 and None for symbol AAPL"):
        mapped.read(mapped_data(tmp_path))


def test_scale_and_missing_values_are_of_the_files_numbers(tmp_path):
    rows = [row.replace(",20.0,", ",-99.99,") for row in chain(strikes=(100.0,))] + chain(strikes=(90.0, 110.0))
    write(tmp_path, *rows)
    options = {**OPTIONS, "scale": {"strike": 0.001}, "missing": {"vendor_implied_vol": -99.99}}
    quotes, _ = mapped.read(mapped_data(tmp_path, options=options))
    assert quotes["strike"].unique().sort().to_list() == pytest.approx([0.09, 0.1, 0.11], rel=1e-15)
    unknown = quotes.filter(pl.col("strike").is_between(0.099, 0.101))["vendor_implied_vol"]
    assert unknown.null_count() == 2
    assert not any(math.isnan(value) for value in quotes["vendor_implied_vol"].drop_nulls())
