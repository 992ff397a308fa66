"""The stage that judges the quotes themselves."""

import polars as pl
import pytest

from ivyspt.artefacts import write_table
from ivyspt.columns import POINTS, DataError
from ivyspt.config import Filters, QuoteAudit, Surfaces
from ivyspt.quotes.arbitrage_audit import SCHEMA
from ivyspt.stages import audit_quotes
from ivyspt.surfaces.build import build
from tests.quotes.made_up import surface_quotes

OPTIONS = Surfaces(filters=Filters(min_bid=0.0, max_relative_spread=1.9))


def audit(points, folder, surfaces):
    write_table(points, folder / "points.parquet")
    settings = audit_quotes.Settings(quote_audit=QuoteAudit(surfaces=surfaces))
    audit_quotes.run(settings, all_points=folder / "points.parquet", violations=folder / "violations.parquet")
    return pl.read_parquet(folder / "violations.parquet")


def test_surfaces_are_spread_over_the_table_and_each_family_is_counted(tmp_path):
    quotes = [surface_quotes(symbol=name, count=9) for name in ("AAA", "BBB", "CCC")]
    points = build(pl.concat(quotes), OPTIONS, None).points
    found = audit(points, tmp_path, surfaces=2)
    assert found.schema == SCHEMA
    assert found["surface_id"].unique().sort().to_list() == ["AAA_2026-06-10T16:00", "CCC_2026-06-10T16:00"]
    assert found.height == 12
    assert (found["violated_at_mid"] <= found["constraints"]).all()


def test_one_expiry_has_no_calendar_constraint(tmp_path):
    found = audit(build(surface_quotes(days=(100,), count=15), OPTIONS, None).points, tmp_path, surfaces=5)
    calendar = pl.col("family").str.starts_with("calendar")
    assert found.filter(calendar)["constraints"].sum() == 0
    assert found.filter(~calendar)["constraints"].sum() > 15


def test_an_empty_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="must hold points"):
        audit(pl.DataFrame(schema=POINTS.columns), tmp_path, surfaces=5)
