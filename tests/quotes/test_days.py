"""Whole chains that are no market of their day: copies, and what splits leave behind."""

import polars as pl
import pytest

from ivyspt.columns import REJECTIONS
from ivyspt.quotes import mapped
from tests.quotes.test_reading import dropped_as
from tests.quotes.written import OPTIONS, STRIKES, chain, mapped_data, write

WIDE = tuple(float(strike) for strike in range(60, 141, 5))


def read(folder, *rows):
    write(folder, *rows)
    return mapped.read(mapped_data(folder))


def test_a_copy_of_the_day_before_is_dropped_and_its_copies_too(tmp_path):
    days = ["2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11"]
    quotes, rejections = read(
        tmp_path,
        *[
            row
            for day, value in zip(days, (2.0, 2.0, 2.0, 2.1), strict=True)
            for row in chain(day=day, time_value=value)
        ],
    )
    assert dropped_as(rejections) == {"copy_of_previous_day": 20}
    assert quotes["quote_time"].dt.date().cast(str).unique().sort().to_list() == [days[0], days[3]]


def test_a_copy_is_seen_though_options_expired_and_vols_and_interest_moved(tmp_path):
    expiring = chain(day="2026-06-08", expiry="2026-06-09", time_value=1.0)
    copy = [row.replace(",20.0,", ",21.0,").replace(",7,11", ",7,12") for row in chain(day="2026-06-09")]
    _, rejections = read(tmp_path, *expiring, *chain(day="2026-06-08"), *copy)
    assert dropped_as(rejections) == {"copy_of_previous_day": 10}


@pytest.mark.parametrize("change", ["price", "underlying", "volume", "contract", "symbol"])
def test_a_chain_that_differs_in_anything_traded_is_kept(tmp_path, change):
    second = chain(day="2026-06-09")
    if change == "contract":
        second = second[:-1]
    elif change == "symbol":
        second = chain(day="2026-06-09", symbol="MSFT")
    else:
        old, new = {
            "price": (",1.90,", ",1.91,"),
            "underlying": (",100.0,7", ",100.5,7"),
            "volume": (",7,11", ",8,11"),
        }[change]
        second = [row.replace(old, new) for row in second]
        assert second != chain(day="2026-06-09")
    quotes, rejections = read(tmp_path, *chain(day="2026-06-08"), *second)
    assert quotes.height == 10 + len(second)
    assert rejections.height == 0


def test_a_split_with_rescaled_strikes_is_noted_and_drops_nothing(tmp_path):
    after = chain(day="2026-06-09", strikes=tuple(strike / 4 for strike in STRIKES), spot=25.0, time_value=0.5)
    quotes, rejections = read(tmp_path, *chain(day="2026-06-08"), *after)
    assert quotes.height == 20
    assert rejections.select("date", "symbol", "reason", "quotes").cast({"date": pl.String}).rows() == [
        ("2026-06-09", "AAPL", "split", 0)
    ]


def test_a_jump_without_rescaled_strikes_is_noted_as_such(tmp_path):
    quotes, rejections = read(
        tmp_path, *chain(day="2026-06-08", strikes=WIDE), *chain(day="2026-06-09", strikes=WIDE, spot=65.0)
    )
    assert quotes.height == 4 * len(WIDE)
    assert dropped_as(rejections) == {"underlying_jump": 0}


def test_a_chain_with_the_contracts_of_before_a_split_is_given_up(tmp_path):
    old = [row.replace(",100.0,7", ",25.0,7") for row in chain(day="2026-06-09", strikes=WIDE)]
    new = chain(day="2026-06-09", strikes=tuple(strike / 4 for strike in WIDE), spot=25.0, time_value=0.5)
    quotes, rejections = read(tmp_path, *chain(day="2026-06-08"), *old, *new)
    assert dropped_as(rejections) == {"underlying_of_another_contract": 4 * len(WIDE)}
    assert quotes.height == 10


def test_an_underlying_adjusted_for_a_later_split_is_found_without_a_day_before(tmp_path):
    rows = [row.replace(",100.0,7", ",10.0,7") for row in chain(strikes=WIDE)] + chain(symbol="MSFT")
    quotes, rejections = read(tmp_path, *rows)
    assert dropped_as(rejections) == {"underlying_of_another_contract": 2 * len(WIDE)}
    assert quotes["symbol"].unique().to_list() == ["MSFT"]


def test_carry_and_dividends_do_not_give_a_chain_up(tmp_path):
    carried = [row.replace(",100.0,7", ",88.0,7") for row in chain(strikes=WIDE)]  # 14 % between spot and forward
    _, rejections = read(tmp_path, *carried)
    assert rejections.height == 0


def test_stale_prices_that_are_off_by_any_factor_do_not_give_a_chain_up(tmp_path):
    rows = chain(strikes=WIDE)
    for number, factor in enumerate((1.5, 2.0, 3.0, 5.0, 8.0, 12.0)):  # six pairs of seventeen
        *contract, bid, ask, vol, spot, volume, interest = rows[2 * number].split(",")
        off = 100.0 * (factor - 1.0)
        fields = [*contract, f"{float(bid) + off:.2f}", f"{float(ask) + off:.2f}", vol, spot, volume, interest]
        rows[2 * number] = ",".join(fields)
    quotes, rejections = read(tmp_path, *rows)
    assert rejections.height == 0
    assert quotes.height == 2 * len(WIDE)


def test_a_symbol_larger_than_a_part_is_read_by_days_and_says_the_same(tmp_path):
    """Copies, a copy of a copy, a split and a chain that is given up, each met where one part ends."""
    split = tuple(strike / 2 for strike in STRIKES)
    old_contracts = [row.replace(",100.0,7,", ",50.0,7,") for row in chain(day="2026-06-12")]
    days = [
        chain(day="2026-06-08"),
        chain(day="2026-06-09"),  # a copy
        chain(day="2026-06-10"),  # and another one
        chain(day="2026-06-11", strikes=split, spot=50.0),
        old_contracts,  # of before the split
        chain(day="2026-06-15", strikes=split, spot=50.0),  # a copy of the last chain that was one
        chain(day="2026-06-16", strikes=split, spot=50.0, time_value=2.5),
    ]
    write(tmp_path, *[row for day in days for row in day], *chain(symbol="ZZZ", day="2026-06-09"))
    whole, dropped = mapped.read(mapped_data(tmp_path))
    found = dict(dropped.group_by("reason").agg(pl.col("quotes").sum()).iter_rows())
    assert found == {"copy_of_previous_day": 30, "underlying_of_another_contract": 10, "split": 0}
    for rows in (1, 10, 20, 30, 50):
        parts = list(mapped.read_by_symbol(mapped_data(tmp_path, options={**OPTIONS, "chunk_rows": rows})))
        assert max(quotes.height for quotes, _ in parts) <= max(rows, 10)
        assert pl.concat([quotes for quotes, _ in parts]).equals(whole)
        assert pl.concat([some for _, some in parts]).sort(REJECTIONS.key).equals(dropped.sort(REJECTIONS.key))
