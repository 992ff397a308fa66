"""What every figure shares: its options, its style, what its data are called, and files that are the same byte by byte."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure


def options(description: str, *tables: str) -> Namespace:
    """Settings, the style, the named tables (one or more files each), and where the figure goes as PDF and PNG."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--settings", type=json.loads, required=True)
    parser.add_argument("--style", type=Path, required=True)
    for table in tables:
        parser.add_argument(f"--{table}", type=Path, nargs="+", required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    chosen = parser.parse_args()
    mpl.use("agg")
    mpl.style.use(chosen.style)
    return chosen


def data_label(settings: dict) -> str:
    """What the data are called; data that are simulated are always called so."""
    label = settings["data"]["label"]
    known = "simulated" in label.lower()
    return label if known or not settings["data"]["simulated"] else f"simulated data: {label}"


def method_label(method: str, settings: dict) -> str:
    """The name of a method in a figure: its row's label, and for a model its phase."""
    name, _, phase = method.partition(".")
    if not phase:
        return settings["baselines"][name]["label"]
    ending = {"pretrain": ", pre-trained only", "finetune": ""}[phase]
    return settings["runs"][name]["label"] + ending


def mask_label(mask: str) -> str:
    """The name of a mask in a figure."""
    kind, _, amount = mask.partition("_")
    if kind == "clustered":
        return f"{float(amount):.0%} masked"
    return f"{amount} points shown" if kind == "random" else "sparse points shown"


def mask_order(mask: str) -> tuple:
    """Masks in order: the paper's by proportion, then random ones from many points to few, then the sparse tier's."""
    kind, _, amount = mask.partition("_")
    rank = {"clustered": 0, "random": 1}.get(kind, 2)
    return rank, (1 if kind == "clustered" else -1) * float(amount or 0)


def save(figure: Figure, chosen: Namespace) -> None:
    """Write both files without a date or a version, so that the same tables give the same bytes."""
    chosen.pdf.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(chosen.pdf, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    figure.savefig(chosen.png, metadata={"Software": None})
