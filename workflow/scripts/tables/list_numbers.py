r"""Numbers that a text quotes, and sentences on what they say, as LaTeX commands: `\SparseRmse` and its like."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from workflow.scripts.comparison import TIERS, of_tier, read, value
from workflow.scripts.names import data_label, mask_label, method_label
from workflow.scripts.tables import findings
from workflow.scripts.tables.typesetting import escape, number, options, percent, plus_minus, write


def listed(values: Sequence) -> str:
    """Values after one another, the last after `and`."""
    words = [f"{each:g}" if isinstance(each, float) else str(each) for each in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def of_data(points: pl.DataFrame, split: pl.DataFrame) -> dict[str, str]:
    """Sizes of the study's data."""
    dated = points.with_columns(date=pl.col("quote_time").dt.date())
    test = dated.join(split.filter(pl.col("split") == "test"), on="date", how="semi")
    counts = {
        "Symbols": points["symbol"].n_unique(),
        "Days": dated["date"].n_unique(),
        "Surfaces": points["surface_id"].n_unique(),
        "Points": points.height,
        "TestDays": test["date"].n_unique(),
        "TestSurfaces": test["surface_id"].n_unique(),
    }
    numbers = {name: f"{count:,}" for name, count in counts.items()}
    return numbers | {"FirstDay": str(dated["date"].min()), "LastDay": str(dated["date"].max())}


def audited_masks(evaluation: dict) -> str:
    """The masks under which surfaces are audited, in words."""
    masks = evaluation["audit_masks"]
    if masks is None:
        return "every mask"
    return f"the {'mask' if len(masks) == 1 else 'masks'} {escape(listed([mask_label(mask) for mask in masks]))}"


def of_settings(settings: dict, run: str) -> dict[str, str]:
    """What the study's configuration says, in words where LaTeX needs them."""
    split, masking, evaluation = (settings[name] for name in ("split", "masking", "evaluation"))
    model, training = (settings["runs"][run][name] for name in ("model", "training"))
    hidden = settings["thinning"]["max_points"]
    thinned = "No point is hidden from all methods for good."
    if hidden is not None:
        thinned = f"On the sparse tier all but {hidden} points of a surface are hidden from every method, once for all."
    return {
        "DataLabel": escape(data_label(settings)),
        "DataKind": "simulated" if settings["data"]["simulated"] else "real",
        "Partitions": str(split["partitions"]),
        "Embargo": str(split["embargo_days"]),
        "Purge": str(split["purge_days"]),
        "Proportions": listed(masking["proportions"]),
        "RandomCounts": listed(masking["random_counts"]),
        "Thinning": thinned,
        "Dimension": str(model["dimension"]),
        "Blocks": str(model["blocks"]),
        "Heads": str(model["heads"]),
        "PretrainEpochs": str(training["pretrain"]["epochs"]),
        "FinetuneEpochs": str(training["finetune"]["epochs"]),
        "Seeds": str(len(settings["seeds"])),
        "Confidence": rf"{100 * evaluation['confidence']:.0f}\,\%",
        "BlockDays": str(evaluation["bootstrap_block_days"]),
        "AuditNodes": str(evaluation["audit_points"][0] * evaluation["audit_points"][1]),
        "AuditMaxZ": f"{evaluation['audit_max_z']:g}",
        "AuditSurfaces": str(evaluation["audit_surfaces"]),
        "AuditMasks": audited_masks(evaluation),
        "Failure": f"{100 * evaluation['failure_error']:g}",
    }


def of_results(tier: str, mask: str, methods: findings.Methods, reference: str, settings: dict) -> dict[str, str]:
    """The model and the best baseline on a tier's headline mask."""
    ours, name = methods[reference], tier.capitalize()
    numbers = {
        f"{name}Mask": escape(mask_label(mask)),
        f"{name}Rmse": plus_minus(value(ours, "rmse"), value(ours, "rmse", "std")),
        f"{name}Seeds": str(value(ours, "rmse", "seeds")),
        f"{name}Surfaces": str(value(ours, "rmse", "surfaces")),
        f"{name}Violating": percent(value(ours, "violating")),
        f"{name}BestBaselineFinding": findings.best_baseline(methods, settings),
        f"{name}BaselinesFinding": findings.counted(methods, settings),
    }
    peer = next(iter(findings.rivals(methods, settings)), None)
    best = methods.get(peer, {})
    return numbers | {
        f"{name}BestBaseline": escape(method_label(peer, settings)) if peer else "--",
        f"{name}BestBaselineRmse": plus_minus(value(best, "rmse"), value(best, "rmse", "std")),
        f"{name}BestBaselineViolating": percent(value(best, "violating")),
        f"{name}Advantage": number(value(best, "rmse", "difference")),
    }


def of_methods(paths: Sequence[Path], ablations: Sequence[Path], settings: dict, run: str) -> dict[str, str]:
    """Numbers and sentences of both tiers."""
    comparison, runs = read(paths), read(ablations)
    numbers = {}
    for phase, tier in TIERS.items():
        mask, methods = of_tier(comparison, tier)
        numbers |= of_results(tier, mask, methods, f"{run}.{phase}", settings)
        rows = of_tier(runs, tier)[1]
        numbers[f"{tier.capitalize()}AblationFinding"] = findings.ablation(rows, settings, f"{run}.{phase}")
        if phase == "finetune":
            numbers["FineTuningFinding"] = findings.fine_tuning(methods, run)
    return numbers


def main() -> None:
    """List."""
    chosen = options(__doc__, "comparison", "ablation", "points", "split")
    run = chosen.settings["evaluation"]["reference"].split(".")[0]
    numbers = of_settings(chosen.settings, run)
    numbers |= of_data(pl.read_parquet(chosen.points[0]), pl.read_parquet(chosen.split[0]))
    numbers |= of_methods(chosen.comparison, chosen.ablation, chosen.settings, run)
    write("\n".join(rf"\newcommand{{\{key}}}{{{text}}}" for key, text in numbers.items()), chosen.tex)


if __name__ == "__main__":
    main()
