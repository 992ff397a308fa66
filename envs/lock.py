"""Resolve the `.in` files into locks with hashes and into conda environments; needs `uv` on the PATH.

torch stands apart from the rest, once for each build: PyPI's, which needs gigabytes of CUDA libraries, and the small
CPU build from PyTorch's own index. Every conda environment lists all that pip would bring, at the locks' versions.
"""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CONDA_CLIENT = HERE.parent / "tests/conda/client"
WITH_TORCH = re.compile(r"(nvidia-|cuda-|triton==|torch==)")
# torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl, from PyTorch's own index of CPU builds
TORCH_CPU_WHEEL = "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
ENVIRONMENTS = {  # name: what is asked for, whether with PyTorch's CUDA build, what it is for
    "ivyspt": ("library.in", False, "The environment of every rule under `snakemake --use-conda`."),
    "ivyspt-gpu": (
        "library.in",
        True,
        "The environment of trainings with `training.device: cuda`: as ivyspt.yaml, with PyTorch's CUDA build.",
    ),
    "snakemake": ("snakemake.in", False, "What starts the workflow: `conda env create --file envs/snakemake.yaml`."),
}


def main() -> None:
    """Write the locks and the environments."""
    packages = resolved(HERE / "requirements.in", "--generate-hashes", "--allow-unsafe")
    torch_version = next(re.match(r"torch==(\S+)", entry)[1] for entry in packages if entry.startswith("torch=="))
    write(HERE / "requirements.lock", [entry for entry in packages if not WITH_TORCH.match(entry)])
    write(HERE / "torch-cuda.lock", [entry for entry in packages if WITH_TORCH.match(entry)])
    write(HERE / "torch-cpu.lock", [f"torch=={torch_version}+cpu \\\n    --hash={TORCH_CPU_WHEEL}"])
    write(
        CONDA_CLIENT.with_suffix(".lock"), resolved(CONDA_CLIENT.with_suffix(".in"), "--generate-hashes", "--no-deps")
    )
    constraints = [f"--constraint={HERE / name}" for name in ("requirements.lock", "torch-cuda.lock")]
    pip = next(re.match(r"pip==(\S+)", entry)[1] for entry in packages if entry.startswith("pip=="))
    for name, (asked, cuda, purpose) in ENVIRONMENTS.items():
        pins = resolved(HERE / asked, "--no-emit-package=pip", *constraints)
        (HERE / f"{name}.yaml").write_text(environment(name, pins, pip, cuda, purpose))


def resolved(path: Path, *options: str) -> list[str]:
    """Entries `name==version`, with their hashes where these are asked for."""
    command = ["uv", "pip", "compile", "--quiet", "--python-version=3.11", "--no-header", "--no-annotate", *options]
    text = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True).stdout
    return [entry.rstrip() for entry in re.split(r"\n(?=\S)", text) if re.match(r"[a-z0-9]", entry)]


def write(path: Path, entries: list[str]) -> None:
    """Write a lock."""
    path.write_text("# Made by `make lock`; do not edit.\n" + "\n".join(entries) + "\n")


def environment(name: str, pins: list[str], pip: str, cuda: bool, purpose: str) -> str:
    """Text of a conda environment: Python and pip from conda-forge, the rest from PyPI at the locks' versions.

    The CUDA build is asked for by `===`, which the CPU build 2.13.0+cpu does not satisfy; `==` takes either.
    """
    if cuda:
        pins = [pin.replace("torch==", "torch===") if pin.startswith("torch==") else pin for pin in pins]
    else:
        pins = [pin for pin in pins if pin.startswith("torch==") or not WITH_TORCH.match(pin)]
    head = (
        f"# {purpose}\n# Made by `make lock`; do not edit.\nname: {name}\nchannels:\n  - conda-forge\n  - nodefaults\n"
    )
    listed = "".join(f"      - {pin}\n" for pin in pins)
    return f"{head}dependencies:\n  - python=3.11\n  - pip={pip}\n  - pip:\n{listed}"


if __name__ == "__main__":
    main()
