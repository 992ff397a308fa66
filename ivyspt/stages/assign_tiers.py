"""Rank symbols and choose the tiers that pre-train and fine-tune."""

from pathlib import Path

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS
from ivyspt.config import Section, Tiers
from ivyspt.surfaces.tiers import assign


class Settings(Section):
    """What the stage reads of the configuration."""

    tiers: Tiers


def run(settings: Settings, *, all_points: Path, tiers: Path) -> None:
    """Give every symbol its tier, by name or by its median number of points a surface."""
    assigned = assign(read_table(all_points, POINTS), settings.tiers)
    write_table(assigned, tiers, {"settings": settings.model_dump(mode="json")})
