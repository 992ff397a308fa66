"""Market features: as of the quote time and never later, and never from hidden points."""

import os
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.config import Data, MarketFeatures
from ivyspt.surfaces import market_features
from ivyspt.surfaces.market_features import at_close, from_files, join_as_of, model_free_vol, others_model_free_vol

NAMES = {"market_return": "S&P 500 return", "market_vol": "VIX", "treasury_rate": "three-month rate"}
FOLDER = os.environ.get("IVYSPT_DATA")


def surfaces(*times):
    ids = [f"X {number}" for number in range(len(times))]
    frame = pl.DataFrame({"surface_id": ids, "symbol": ["X"] * len(times), "quote_time": list(times)})
    return frame.with_columns(pl.col("quote_time").cast(pl.Datetime("us")))


def daily(values):
    return pl.DataFrame({"date": list(values), "value": list(values.values())}, schema_overrides={"value": pl.Float64})


def all_series(series):
    return dict.fromkeys(market_features.SERIES, series)


def features(frame, series):
    return join_as_of(frame, all_series(series))["market_vol"].to_list()


CLOSES = daily({date(2024, 7, 2): 0.1, date(2024, 7, 3): 0.2, date(2024, 7, 4): None, date(2024, 7, 5): 0.3})


def test_a_close_is_known_at_the_close_and_not_a_minute_before():
    times = [datetime(2024, 7, 3, 15, 59), datetime(2024, 7, 3, 16), datetime(2024, 7, 3, 16, 15)]
    assert features(surfaces(*times), at_close(CLOSES)) == [0.1, 0.2, 0.2]


def test_a_blank_of_a_holiday_is_skipped():
    assert features(surfaces(datetime(2024, 7, 4, 16)), at_close(CLOSES)) == [0.2]


def test_what_is_published_later_is_known_later():
    assert features(surfaces(datetime(2024, 7, 3, 16)), at_close(CLOSES, 1)) == [0.1]


def test_a_future_value_is_not_seen():
    planted = pl.concat([CLOSES, daily({date(2024, 7, 8): 99.0})])
    times = [datetime(2024, 7, day, 16) for day in (2, 3, 5)]
    assert features(surfaces(*times), at_close(planted)) == features(surfaces(*times), at_close(CLOSES))
    assert features(surfaces(datetime(2024, 7, 8, 16)), at_close(planted)) == [99.0]  # in its time it is


def test_nothing_known_yet_and_a_series_that_has_ended_give_null():
    times = [datetime(2024, 7, 2, 9), datetime(2025, 7, 3, 16)]
    assert features(surfaces(*times), at_close(CLOSES)) == [None, None]


def test_the_order_of_rows_does_not_matter():
    frame, series = surfaces(*(datetime(2024, 7, day, 16) for day in (2, 3, 5))), all_series(at_close(CLOSES))
    backwards = {name: values.reverse() for name, values in series.items()}
    assert join_as_of(frame.reverse(), backwards).equals(join_as_of(frame, series))


def test_model_free_vol_of_a_flat_smile_is_its_vol():
    k = np.linspace(-0.3, 0.3, 13)
    # integration out to moneyness 3 and one third, on steps of 0.2 %
    assert model_free_vol(k, np.full(13, 0.25), 30) == pytest.approx(0.25, rel=2e-3)
    assert model_free_vol(k[:3], np.full(3, 0.25), 30) is None


def test_the_proxy_is_the_mean_of_the_other_liquid_names_one_quote_time_earlier(tiered):
    proxy = others_model_free_vol(tiered, 30)

    def own(symbol, day):
        rows = tiered.filter((pl.col("surface_id") == f"{symbol} {day}") & (pl.col("time_to_maturity") < 0.1))
        return model_free_vol(rows["log_moneyness"], rows["implied_vol"], 30)

    got = {(symbol, known_at.day): value for symbol, known_at, value in proxy.iter_rows()}
    for day in range(1, 5):
        assert got["A", day + 1] == own("B", day - 1)
        assert got["C", day + 1] == pytest.approx((own("A", day - 1) + own("B", day - 1)) / 2, rel=1e-15)
    assert ("A", 1) not in got  # nothing is known before the first day


def proxy_of(points):
    ids = points.select("surface_id", "symbol", "quote_time").unique(maintain_order=True)
    constant = pl.DataFrame({"known_at": [datetime(2023, 12, 31)], "value": [0.0]})
    constant = constant.with_columns(pl.col("known_at").cast(pl.Datetime("us")))
    series = all_series(constant) | {"market_vol": others_model_free_vol(points, 30)}
    return join_as_of(ids, series).sort("surface_id")


def altered(points, rows):
    vol = pl.when(rows).then(pl.col("implied_vol") + 0.5).otherwise(pl.col("implied_vol"))
    return points.with_columns(vol.alias("implied_vol"))


def test_hidden_vols_move_no_feature(tiered):
    hidden = tiered.with_columns(visible=pl.col("point") % 3 != 0)
    before = proxy_of(hidden)
    assert before.equals(proxy_of(altered(hidden, ~pl.col("visible"))))
    assert not before.equals(proxy_of(altered(hidden, pl.col("visible"))))


def test_a_surfaces_own_points_do_not_move_its_features(tiered):
    before = proxy_of(tiered)
    for surface_id in ("A 2", "C 2"):
        after = proxy_of(altered(tiered, pl.col("surface_id") == surface_id))
        own = pl.col("surface_id") == surface_id
        assert before.filter(own).equals(after.filter(own))
    moved = before.join(proxy_of(altered(tiered, pl.col("surface_id") == "A 2")), on="surface_id", suffix="_after")
    moved = moved.filter(pl.col("market_vol") != pl.col("market_vol_after"))["surface_id"].to_list()
    assert moved == ["B 3", "C 3"]  # the other names of the day after


def test_later_surfaces_do_not_move_a_feature(tiered):
    before = proxy_of(tiered)
    after = proxy_of(altered(tiered, pl.col("quote_time").dt.day() >= 3))
    early = pl.col("surface_id").str.slice(2).cast(pl.Int32) <= 2
    assert before.filter(early).equals(after.filter(early))


def test_qmoms_series_are_the_packages():
    settings = MarketFeatures(source="qmoms", **NAMES)
    empty = pl.DataFrame({"surface_id": ["X"], "symbol": ["X"], "tier": ["liquid"], "visible": [True]}).with_columns(
        pl.lit(datetime(2023, 1, 3, 16)).cast(pl.Datetime("us")).alias("quote_time"),
        **{name: pl.lit(1.0) for name in ("log_moneyness", "time_to_maturity", "implied_vol")},
    )
    series = market_features.from_qmoms(empty, settings)
    frame = surfaces(datetime(2023, 1, 4, 16))
    constant = {"market_vol": series["treasury_rate"]}
    row = join_as_of(frame, series | constant).row(0, named=True)
    returns = market_features.read_file("returns").filter(pl.col("date") == date(2023, 1, 4))
    assert row["market_return"] == pytest.approx((returns["mktrf"] + returns["rf"]).item(), rel=1e-15)
    curve = market_features.read_zero_curve().filter((pl.col("date") == date(2023, 1, 3)) & (pl.col("days") == 91))
    assert row["treasury_rate"] == curve["rate"].item()  # the day before's: a curve is published after its close


def written(folder, vix="2024-07-03,20\n2024-07-05,30\n"):
    (folder / "heliar-k_SPX_daily.csv").write_text("date,close\n2024-07-02,100\n2024-07-03,101\n2024-07-05,\n")
    (folder / "datasets_finance-vix_vix-daily.csv").write_text("DATE,CLOSE\n" + vix)
    (folder / "heliar-k_fred_rates.csv").write_text("date,DGS3MO\n2024-07-02,5.0\n2024-07-03,\n")
    return MarketFeatures(source="files", data_dir=str(folder), **NAMES)


def test_files_become_decimals_as_of_the_quote(tmp_path):
    joined = join_as_of(surfaces(datetime(2024, 7, 3, 16), datetime(2024, 7, 5, 16)), from_files(written(tmp_path)))
    np.testing.assert_allclose(joined.row(0)[1:], (0.01, 0.20, 0.05), rtol=1e-12)
    np.testing.assert_allclose(joined.row(1)[1:], (0.01, 0.30, 0.05), rtol=1e-12)  # blanks: the last known value


def test_a_planted_future_vix_is_not_seen(tmp_path):
    frame = surfaces(datetime(2024, 7, 3, 16))
    honest = join_as_of(frame, from_files(written(tmp_path)))
    planted = join_as_of(frame, from_files(written(tmp_path, "2024-07-03,20\n2024-07-05,9999\n")))
    assert honest.equals(planted)


def test_a_stray_quotation_mark_is_one_line(tmp_path):
    settings = written(tmp_path)
    path = tmp_path / "heliar-k_fred_rates.csv"
    path.write_text('"' + path.read_text().removeprefix("d"))  # all of the file is the first column's name
    with pytest.raises(DataError, match="must have the column") as raised:
        from_files(settings)
    assert "\n" not in str(raised.value)


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(DataError, match="data_dir must name a directory"):
        from_files(MarketFeatures(source="files", **NAMES))
    settings = written(tmp_path)
    (tmp_path / "heliar-k_fred_rates.csv").write_text("date,DGS1\n2024-07-02,5.0\n")
    with pytest.raises(DataError, match="must have the column DGS3MO, got date, DGS1"):
        from_files(settings)
    (tmp_path / "heliar-k_SPX_daily.csv").unlink()
    with pytest.raises(DataError, match="must exist for the feature market_return"):
        from_files(settings)


@pytest.mark.data
@pytest.mark.skipif(FOLDER is None, reason="IVYSPT_DATA does not name the folder of real data")
def test_real_series_have_the_size_that_their_units_promise():
    series = from_files(MarketFeatures(source="files", data_dir=f"{FOLDER}/market-features", **NAMES))
    largest = {name: values["value"].drop_nulls().abs().max() for name, values in series.items()}
    assert 0.05 < largest["market_return"] < 0.2  # -12 % in March 2020
    assert 0.5 < largest["market_vol"] < 1.0  # 82.69 at the close of 16 March 2020
    assert 0.1 < largest["treasury_rate"] < 0.2  # the early eighties


def test_the_simulated_market_has_its_own_series():
    chain = {"symbols": 1, "expiries": 1, "strike_step": 0.05}
    options = {"seed": 1, "days": 3, "start": "2024-01-02", "liquid": chain, "sparse": chain}
    data = Data(adapter="simulated", label="simulated", simulated=True, options=options)
    joined = join_as_of(surfaces(datetime(2024, 1, 3, 16)), market_features.from_simulation(data))
    assert joined["market_vol"].item() == market_features.simulated.market_series(data)["market_vol"]["value"][1]
