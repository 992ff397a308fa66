#!/usr/bin/env bash
# Build .venv from the lock files: envs/install.sh PYTHON TORCH [options for pip …]; called by `make install`.
# TORCH is cpu, cuda or auto: the small CPU build where there is no NVIDIA GPU and pip can find it, else PyPI's.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 torch=$2
shift 2
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONNOUSERSITE=1

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
install() { .venv/bin/python -m pip install --require-hashes --no-deps --no-build-isolation "$@"; }

if ! "$python" -c 'import sys, ensurepip, venv; assert sys.version_info[:2] == (3, 11)' 2>/dev/null; then
  say "$python must be Python 3.11 with venv: on Debian 12 type \`apt-get install python3.11-venv\`," \
    "elsewhere name one by \`make install PYTHON=…\`."
  exit 1
fi

say "1/4  An empty environment in .venv"
"$python" -m venv .venv
awk '/^(pip|setuptools|wheel)==/ {keep = 1} keep; !/\\$/ {keep = 0}' envs/requirements.lock >.venv/build.lock
install --quiet "$@" -r .venv/build.lock

say "2/4  The packages of envs/requirements.lock (about 0.6 GB)"
install "$@" -r envs/requirements.lock

if [ "$torch" = auto ] && command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then torch=cuda; fi
if [ "$torch" = auto ]; then
  say "3/4  PyTorch: looking for the CPU build (0.2 GB)"
  if .venv/bin/python -m pip download --quiet --require-hashes --no-deps --dest .venv/torch "$@" \
    -r envs/torch-cpu.lock 2>.venv/torch.log; then
    torch=cpu
  else
    torch=cuda
    say "     pip finds none here. Taking PyPI's build, which brings 3 GB of CUDA libraries and runs on a CPU as well." \
      "For the small one set PIP_EXTRA_INDEX_URL to PyTorch's own index of CPU builds and type \`make clean install\`."
  fi
fi
say "3/4  PyTorch, $torch build"
install "$@" --find-links .venv/torch -r "envs/torch-$torch.lock"
rm -rf .venv/torch

say "4/4  ivyspt itself, and its inner loops to machine code (15 s, once)"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
.venv/bin/python - <<'END'
import ivyspt, polars
quotes = polars.DataFrame({"surface_id": "A", "log_moneyness": [-0.1, 0.0, 0.1], "time_to_maturity": 0.2, "implied_vol": 0.3})
ivyspt.load_pretrained().complete(quotes, quotes)
END
