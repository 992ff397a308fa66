"""Read a table of surfaces that a vendor has already built."""

from pathlib import Path

from ivyspt.artefacts import write_table
from ivyspt.columns import DataError
from ivyspt.config import Data, Section, Surfaces
from ivyspt.quotes import paper_sparse
from ivyspt.surfaces import qmoms_table

ADAPTERS = {"qmoms": qmoms_table.read, "paper_sparse": paper_sparse.read}


class Settings(Section):
    """What the stage reads of the configuration."""

    data: Data
    surfaces: Surfaces


def run(settings: Settings, *, all_points: Path, rejections: Path) -> None:
    """Read the surfaces of the vendor that `data.adapter` names; count what was dropped, by reason."""
    if settings.data.adapter not in ADAPTERS:
        raise DataError(f"data.adapter must be one of {', '.join(ADAPTERS)} here, got {settings.data.adapter}")
    points, dropped = ADAPTERS[settings.data.adapter](settings.data, settings.surfaces)
    provenance = {"settings": settings.model_dump(mode="json")}
    write_table(points, all_points, provenance)
    write_table(dropped, rejections, provenance)
