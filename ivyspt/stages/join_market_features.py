"""Join each surface with the market as of its quote time."""

from pathlib import Path

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import TIERED_POINTS
from ivyspt.config import Data, MarketFeatures, Section
from ivyspt.surfaces.market_features import from_files, from_ivydb, from_qmoms, from_simulation, join_as_of


class Settings(Section):
    """What the stage reads of the configuration."""

    data: Data
    market_features: MarketFeatures


def run(settings: Settings, *, points: Path, market_features: Path) -> None:
    """Join the latest market return, market vol and treasury rate that are known at each quote time."""
    table = read_table(points, TIERED_POINTS)
    match settings.market_features.source:
        case "qmoms":
            series = from_qmoms(table, settings.market_features)
        case "files":
            series = from_files(settings.market_features)
        case "simulated":
            series = from_simulation(settings.data)
        case "option_metrics":
            series = from_ivydb(settings.data, settings.market_features)
    surfaces = table.select("surface_id", "symbol", "quote_time").unique()
    joined = join_as_of(surfaces, series)
    write_table(joined, market_features, {"settings": settings.model_dump(mode="json")})
