"""How many surfaces and constraints the audit of the quotes found violated."""

import polars as pl

from ivyspt.quotes.arbitrage_audit import SCHEMA

EVERY_FAMILY = "any"


def violation_shares(violations: pl.DataFrame) -> pl.DataFrame:
    """One row a family of constraints, and first `any` for all together.

    Parameters
    ----------
    violations : polars.DataFrame
        What `audit_surface` says of each surface and family.

    Returns
    -------
    polars.DataFrame
        Audited `surfaces` that have such a constraint and the number of their `constraints`; shares of these surfaces
        with at least one violation, `surfaces_at_mid` and `surfaces_executable`, and of these constraints, `at_mid` and
        `executable`. Executable ones are violated even between bid and ask; null where nothing is bid and asked.
    """
    rows = pl.concat([violations.with_columns(family=pl.lit(EVERY_FAMILY)), violations]).select(*SCHEMA)
    order = rows["family"].unique(maintain_order=True)
    executable = pl.col("executable")
    surfaces = (
        rows.group_by("family", "surface_id")
        .agg(
            pl.sum("constraints", "violated_at_mid"),
            executable=pl.when(executable.is_not_null().all()).then(executable.sum()),
        )
        .filter(pl.col("constraints") > 0)
    )
    judged = pl.when(executable.is_not_null()).then("constraints").sum()
    counted = surfaces.group_by("family").agg(
        surfaces=pl.len(),
        constraints=pl.sum("constraints"),
        surfaces_at_mid=(pl.col("violated_at_mid") > 0).mean(),
        surfaces_executable=(executable > 0).mean(),
        at_mid=pl.sum("violated_at_mid") / pl.sum("constraints"),
        executable=(executable.sum() / judged).fill_nan(None),
    )
    return counted.sort(pl.col("family").cast(pl.Enum(order)))
