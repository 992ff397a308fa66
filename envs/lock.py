"""Resolve requirements.in into three lock files with hashes; needs `uv` on the PATH.

torch stands apart from the rest, once for each build: PyPI's, which needs gigabytes of CUDA libraries, and the small
CPU build from PyTorch's own index.
"""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
WITH_TORCH = re.compile(r"(nvidia-|cuda-|triton==|torch==)")
# torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl, from PyTorch's own index of CPU builds
TORCH_CPU_WHEEL = "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"


def main() -> None:
    """Write the locks."""
    command = "uv pip compile --quiet --generate-hashes --python-version 3.11 --no-header --no-annotate"
    resolved = subprocess.run(
        [*command.split(), "--allow-unsafe", str(HERE / "requirements.in")], check=True, capture_output=True, text=True
    ).stdout
    packages = [entry.rstrip() for entry in re.split(r"\n(?=\S)", resolved) if re.match(r"[a-z0-9]", entry)]
    torch_version = next(re.match(r"torch==(\S+)", entry)[1] for entry in packages if entry.startswith("torch=="))
    locks = {
        "requirements.lock": [entry for entry in packages if not WITH_TORCH.match(entry)],
        "torch-cuda.lock": [entry for entry in packages if WITH_TORCH.match(entry)],
        "torch-cpu.lock": [f"torch=={torch_version}+cpu \\\n    --hash={TORCH_CPU_WHEEL}"],
    }
    for name, entries in locks.items():
        (HERE / name).write_text("# Made by `make lock`; do not edit.\n" + "\n".join(entries) + "\n")


if __name__ == "__main__":
    main()
