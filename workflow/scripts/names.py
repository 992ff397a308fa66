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


def mask_label(mask: str) -> str:
    """The name of a mask."""
    kind, _, amount = mask.partition("_")
    if kind == "clustered":
        return f"{float(amount):.0%} masked"
    return f"{amount} points shown" if kind == "random" else "visible points shown"


def mask_order(mask: str) -> tuple[int, float]:
    """Sorts masks: the paper's by proportion, then random ones from many points to few, then the sparse tier's own."""
    kind, _, amount = mask.partition("_")
    if kind == "clustered":
        return 0, float(amount)
    return (1, -float(amount)) if kind == "random" else (2, 0.0)


def headline_mask(tier: str, masks: list[str]) -> str:
    """The mask that stands for a tier: half masked, or where points are hidden from every method, those."""
    preferred = ["visible", "clustered_0.5"] if tier == "sparse" else ["clustered_0.5"]
    return next((mask for mask in preferred if mask in masks), min(masks, key=mask_order))


def seeds_of(counts: list[int]) -> str:
    """How many seeds stand behind a figure or table, from the counts of its rows."""
    low, high = min(counts), max(counts)
    return f"{low} seed{'s' * (low > 1)}" if low == high else f"{low} to {high} seeds"
