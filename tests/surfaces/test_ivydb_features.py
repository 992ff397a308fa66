"""The market's series from IvyDB's own tables: what is needed, and what a missing piece is called."""

import pytest

from ivyspt.columns import DataError
from ivyspt.config import Data, MarketFeatures
from ivyspt.surfaces.ivydb_features import daily_series

PRICES = (
    "secid,date,close\n108105,2013-01-02,1000.0\n108105,2013-01-03,-1010.0\n117801,2013-01-02,15.0\n5,2013-01-02,x\n"
)
CURVE = "date,days,rate\n2013-01-02,61,1.0\n2013-01-02,121,2.0\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secprd2013.csv").write_text(PRICES.replace("5,2013-01-02,x\n", "5,2013-01-02,7.0\n"))
    (tmp_path / "zerocd.csv").write_text(CURVE)
    return tmp_path


def series(folder, **changes):
    data = Data(adapter="option_metrics", label="made up", simulated=True, data_dir=str(folder))
    names = {"market_return": "SPX", "market_vol": "VIX", "treasury_rate": "zero rate"}
    keys = {
        "data_dir": str(folder),
        "zero_curve": f"{folder}/zerocd.csv",
        "index_secid": "108105",
        "vol_secid": "117801",
    }
    return daily_series(data, MarketFeatures(source="option_metrics", **names, **(keys | changes)), rate_days=91)


def test_series_are_decimals_of_their_own_days(folder):
    found = series(folder)
    assert found["market_return"]["value"].to_list() == [None, pytest.approx(0.01)]  # a mean of bid and ask is negative
    assert found["market_vol"]["value"].to_list() == [0.15]
    assert found["treasury_rate"]["value"].to_list() == [pytest.approx(0.015)]  # halfway between 61 and 121 days
    assert str(found["treasury_rate"]["date"][0]) == "2013-01-02"


def test_other_securities_are_not_looked_at_but_must_parse(folder):
    (folder / "secprd2013.csv").write_text(PRICES)
    with pytest.raises(DataError, match=r"secprd2013\.csv row 4: column close must hold a number, got x"):
        series(folder)


@pytest.mark.parametrize("key", ["data_dir", "zero_curve", "index_secid", "vol_secid"])
def test_each_key_is_needed(folder, key):
    with pytest.raises(DataError, match=rf"market_features\.{key} must be set where source is option_metrics"):
        series(folder, **{key: None})


def test_an_index_without_a_close_is_named(folder):
    with pytest.raises(DataError, match=r"market_features\.vol_secid must name a security with a close, got 99"):
        series(folder, vol_secid="99")
