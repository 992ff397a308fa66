#!/usr/bin/env bash
# Known vulnerabilities of the locked packages, by pip-audit in an environment of its own; called by `make audit`.
# Exit status 1 where one is found. Where pip-audit cannot be had, or its source cannot be reached or does not know the
# packages, as a mirror may not, it says so: what was not looked up is neither good nor bad news, and the status is 0.
set -euo pipefail
cd "$(dirname "$0")/.."
PIP_AUDIT=2.10.1
environment=.venv/audit
locks=(envs/requirements.lock envs/torch-cuda.lock)
if [ $# -gt 0 ]; then locks=("$@"); fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONNOUSERSITE=1

could_not_look() {
  printf 'audit: could not look for vulnerabilities: %s\n' "$1" >&2
  exit 0
}

if [ ! -x "$environment/bin/pip-audit" ]; then
  rm -rf "$environment"
  .venv/bin/python -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet "pip-audit==$PIP_AUDIT" 2>"$environment/install.log" ||
    could_not_look "pip cannot install pip-audit here ($(tail -n 1 "$environment/install.log"))"
fi

options=()
for lock in "${locks[@]}"; do options+=(--requirement "$lock"); done
status=0
"$environment/bin/pip-audit" --disable-pip --require-hashes --progress-spinner off --timeout "${AUDIT_TIMEOUT:-15}" \
  "${options[@]}" >"$environment/found.txt" 2>"$environment/audit.log" || status=$?
if [ "$status" -ne 0 ] && ! grep -q '^Found' "$environment/audit.log"; then
  could_not_look "pip-audit cannot reach its source ($(tail -n 1 "$environment/audit.log"))"
fi
locked=$(cat "${locks[@]}" | grep -cE '^[A-Za-z0-9._-]+==')
skipped=$(grep -c 'could not be audited' "$environment/found.txt" || true)
if [ "$skipped" -ge "$locked" ]; then
  could_not_look "the package index knows none of the $locked packages"
fi
cat "$environment/audit.log" "$environment/found.txt"
if [ "$skipped" -gt 0 ]; then
  printf 'audit: %s of %s packages could not be looked up\n' "$skipped" "$locked" >&2
fi
exit "$status"
