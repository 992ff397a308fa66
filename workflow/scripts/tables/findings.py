"""What the numbers say, as sentences that hold whatever they are."""

from collections.abc import Mapping

from workflow.scripts.comparison import Cell, value
from workflow.scripts.names import method_label
from workflow.scripts.tables.typesetting import escape, interval, number, plus_minus

Methods = Mapping[str, Mapping[str, Cell]]
WORSE, BETTER, OPEN, UNKNOWN = "worse", "better", "open", "unknown"


def standing(metrics: Mapping[str, Cell], metric: str = "rmse") -> str:
    """Whether a method's interval over days puts it above the reference (worse), below it (better), or holds zero."""
    low, high = value(metrics, metric, "low"), value(metrics, metric, "high")
    if low is None or high is None:
        return UNKNOWN
    return WORSE if low > 0 else BETTER if high < 0 else OPEN


def gap(metrics: Mapping[str, Cell]) -> str:
    """A method's difference to the reference with its interval."""
    low, high = value(metrics, "rmse", "low"), value(metrics, "rmse", "high")
    bounds = "" if low is None else f", {interval(low, high)}"
    return f"{number(value(metrics, 'rmse', 'difference'))}{bounds}"


def error(metrics: Mapping[str, Cell]) -> str:
    """RMSE with its spread over seeds."""
    return plus_minus(value(metrics, "rmse"), value(metrics, "rmse", "std"))


def rivals(methods: Methods, settings: dict) -> list[str]:
    """The baselines in order of their error; our own packaged weights are none."""
    rows = settings["baselines"]
    return [method for method in methods if method in rows and rows[method].get("method") != "packaged"]


def best_baseline(methods: Methods, settings: dict) -> str:
    """How the best baseline of a tier stands to the model; `methods` come in order of their error."""
    best = next(iter(rivals(methods, settings)), None)
    if best is None:
        return "No baseline was fitted."
    metrics = methods[best]
    verdict = {
        WORSE: "its error is the larger one, and the interval excludes zero",
        BETTER: "its error is the smaller one, and the interval excludes zero",
        OPEN: "the interval holds zero, so that these days do not tell the two apart",
        UNKNOWN: "there are too few test days for an interval",
    }[standing(metrics)]
    name = escape(method_label(best, settings))
    return f"The best baseline is the {name}, with {error(metrics)}; less the model's, {gap(metrics)}: {verdict}."


def counted(methods: Methods, settings: dict) -> str:
    """How many baselines are worse than the model, better, or neither."""
    found = [standing(methods[method]) for method in rivals(methods, settings)]
    if not found:
        return ""
    return (
        f"Of {len(found)} baselines {found.count(WORSE)} have an error whose interval lies above the model's, "
        f"{found.count(BETTER)} one below, and {found.count(OPEN) + found.count(UNKNOWN)} cannot be told from it."
    )


def fine_tuning(methods: Methods, run: str) -> str:
    """What fine-tuning did to the model on the sparse tier, whose reference is the fine-tuned model."""
    before = methods.get(f"{run}.pretrain")
    if before is None:
        return "The pre-trained weights were not judged on the sparse tier."
    verdict = {
        WORSE: "fine-tuning lowers the error",
        BETTER: "fine-tuning raises the error",
        OPEN: "these days do not tell whether fine-tuning helps",
        UNKNOWN: "there are too few test days to tell whether fine-tuning helps",
    }[standing(before)]
    after = methods[f"{run}.finetune"]
    return f"Before fine-tuning the error is {error(before)}, after it {error(after)} ({gap(before)}): {verdict}."


def ablation(methods: Methods, settings: dict, reference: str) -> str:
    """Rows of the ablation by where their intervals lie."""
    heads = {
        WORSE: "larger error, with an interval above zero",
        BETTER: "smaller error, with an interval below zero",
        OPEN: "an interval that holds zero",
        UNKNOWN: "too few test days for an interval",
    }
    found: dict[str, list[str]] = {}
    for method, metrics in methods.items():
        if method != reference:
            label = escape(settings["runs"][method.split(".")[0]]["label"])
            found.setdefault(standing(metrics), []).append(label)
    parts = [f"{head}: {', '.join(found[kind])}" for kind, head in heads.items() if kind in found]
    return "; ".join(parts) + "." if parts else "There is one run alone."
