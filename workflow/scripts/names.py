"""What data, methods and masks are called in figures and tables."""

PHASES = {"pretrain": "pre-trained", "finetune": "fine-tuned"}


def data_label(settings: dict) -> str:
    """What the data are called; data that are simulated are always called so."""
    label = settings["data"]["label"]
    named = "simulated" in label.lower()
    return label if named or not settings["data"]["simulated"] else f"simulated data: {label}"


def method_label(method: str, settings: dict) -> str:
    """The label of a baseline's or a run's row, the latter with the phase that its weights come from."""
    name, _, phase = method.partition(".")
    if not phase:
        return settings["baselines"][name]["label"]
    return f"{settings['runs'][name]['label']}, {PHASES[phase]}"


STRUCTURED = {  # masks of one shape of hole
    "whole_expiries": "expiries hidden",
    "short_end": "short end hidden",
    "block": "block hidden",
    "left_wing": "left wing hidden",
    "right_wing": "right wing hidden",
    "both_wings": "wings hidden",
    "nine_clustered": "3 expiries of 3 quotes shown",
    "near_money": "near the money shown",
}


def mask_label(mask: str) -> str:
    """The name of a mask."""
    if mask in STRUCTURED:
        return STRUCTURED[mask]
    kind, _, amount = mask.partition("_")
    if kind == "clustered":
        return f"{float(amount):.0%} masked"
    return f"{amount} points shown" if kind == "random" else "visible points shown"


def mask_order(mask: str) -> tuple[int, float]:
    """Sorts masks: the paper's, random ones from many points to few, structured ones, the sparse tier's own."""
    if mask in STRUCTURED:
        return 2, list(STRUCTURED).index(mask)
    kind, _, amount = mask.partition("_")
    if kind == "clustered":
        return 0, float(amount)
    return (1, -float(amount)) if kind == "random" else (3, 0.0)


def headline_mask(tier: str, masks: list[str]) -> str:
    """The mask that stands for a tier: half masked, or where points are hidden from every method, those."""
    preferred = ["visible", "clustered_0.5"] if tier == "sparse" else ["clustered_0.5"]
    return next((mask for mask in preferred if mask in masks), min(masks, key=mask_order))


def seeds_of(counts: list[int]) -> str:
    """How many seeds stand behind a figure or table, from the counts of its rows."""
    low, high = min(counts), max(counts)
    return f"{low} seed{'s' * (low > 1)}" if low == high else f"{low} to {high} seeds"
