"""The paper's sparse points: pairs, published maturities, and what is refused."""

import pytest

from ivyspt.columns import POINTS, DataError, check
from ivyspt.config import Data, Surfaces
from ivyspt.quotes import paper_sparse

HEADER = (
    "Datetime,Symbol,Log Moneyness,Time to Maturity,Implied Volatility,Market Return,Market Volatility,Treasury Rate"
)
DAYS = {17: "2013-01-18", 45: "2013-02-15"}  # from 2 January 2013 to the Saturdays after third Fridays


def rows(vol: float = 0.4) -> list[str]:
    return [
        f"2013-01-02,AIN,{k},{days / 252!r},{vol + k / 10 + twin / 100},0.025,14.68,0.055"
        for days in DAYS
        for k in (-0.1, 0.0, 0.1)
        for twin in (0, 1)
    ]


def read(folder, *lines: str, min_points: int = 4):
    (folder / "fine_tune_data.csv").write_text("\n".join((HEADER, *lines)))
    data = Data(adapter="paper_sparse", label="paper", simulated=False, data_dir=str(folder))
    return paper_sparse.read(data, Surfaces(min_points=min_points))


def test_points_come_in_pairs_that_are_masked_together(tmp_path):
    points, rejections = read(tmp_path, *rows())
    assert rejections.height == 0
    assert check(points, POINTS, "paper").height == 12
    assert points["twin"].to_list() == [False, True] * 6
    assert points["mask_group"].to_list() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10]
    assert points["surface_id"].unique().to_list() == ["AIN_2013-01-02T16:00"]


def test_maturities_stay_as_published_and_expiries_are_what_their_days_say(tmp_path):
    points, _ = read(tmp_path, *rows())
    assert sorted(points["time_to_maturity"].unique()) == [17 / 252, 45 / 252]
    assert sorted(str(day) for day in points["expiry"].dt.date().unique()) == list(DAYS.values())


def test_vols_of_zero_and_small_surfaces_are_counted(tmp_path):
    zero = f"2013-01-03,AIN,0.0,{16 / 252},0.0,0.0,14.0,0.055"
    alone = f"2013-01-04,AIN,0.0,{15 / 252},0.3,0.0,14.0,0.055"
    points, rejections = read(tmp_path, *rows(), zero, alone)
    assert points.height == 12
    assert sorted(rejections.select("reason", "quotes").rows()) == [
        ("implied_vol_not_positive", 1),
        ("surface_small", 1),
    ]
    with pytest.raises(DataError, match="at least one surface must be left, got none of 12 rows"):
        read(tmp_path, *rows(), min_points=13)


def test_what_does_not_parse_is_refused_by_row(tmp_path):
    with pytest.raises(DataError, match=r"fine_tune_data\.csv row 13: must hold a date, .* got 2013-01-02, AIN, x, "):
        read(tmp_path, *rows(), "2013-01-02,AIN,x,0.1,0.3,0.0,14.0,0.055")


def test_features_are_decimals(tmp_path):
    read(tmp_path, *rows())
    data = Data(adapter="paper_sparse", label="paper", simulated=False, data_dir=str(tmp_path))
    only = paper_sparse.read_market_features(data).row(0, named=True)
    assert only["market_return"] == 0.025
    assert only["market_vol"] == pytest.approx(0.1468, abs=1e-15)
    assert only["treasury_rate"] == pytest.approx(0.00055, abs=1e-18)
