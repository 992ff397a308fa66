"""Names of evaluation masks."""

from collections.abc import Sequence

from ivyspt.masking_config import Masking


def clustered(proportion: float) -> str:
    """Name of the evaluation mask that hides clusters of points at a proportion."""
    return f"clustered_{proportion:g}"


def evaluation_names(masking: Masking) -> Sequence[str]:
    """Every mask that a study may draw, in the order of tables."""
    random = [f"random_{n}" for n in masking.random_counts]
    return [*map(clustered, masking.proportions), *random, *masking.structured, "visible"]
