"""Cluster the visible points of each surface, once for all masks."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from ivyspt.artefacts import read_table, write_table
from ivyspt.batches import masking
from ivyspt.columns import TIERED_POINTS
from ivyspt.config import Masking, Section


class Settings(Section):
    """What the stage reads of the configuration."""

    masking: Masking


def run(settings: Settings, *, points: Path, clusters: Path) -> None:
    """Label each visible point with its cluster, for each masking proportion."""
    with threadpool_limits(1):  # surfaces are small: threads would only wait for each other
        labels = masking.cluster_points(read_table(points, TIERED_POINTS), settings.masking)
    write_table(labels, clusters, {"settings": settings.model_dump(mode="json")})
