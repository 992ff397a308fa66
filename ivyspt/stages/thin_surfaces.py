"""Keep the tiers' symbols and hide points of the sparse tier."""

from pathlib import Path

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS, TIERS
from ivyspt.config import Section, Thinning
from ivyspt.surfaces.thinning import thin


class Settings(Section):
    """What the stage reads of the configuration."""

    thinning: Thinning


def run(settings: Settings, *, all_points: Path, tiers: Path, points: Path) -> None:
    """Mark once and for good which points of the sparse tier no method is ever shown."""
    thinned = thin(read_table(all_points, POINTS), read_table(tiers, TIERS), settings.thinning)
    write_table(thinned, points, {"settings": settings.model_dump(mode="json")})
