#!/usr/bin/env bash
# Everything that is tested. pytest comes last, whatever failed before it.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()

tools/check.sh || failed+=("make check")
echo "== vitest"
npm --silent --prefix h5 test || failed+=("vitest")
echo "== pages"
.venv/bin/python hatch_build.py || failed+=("pages")
if ((${#failed[@]})); then
  printf 'failed before pytest: %s\n' "${failed[@]}" >&2
fi
echo "== pytest"
.venv/bin/python -m pytest
result=$?

((result == 0 && ${#failed[@]} == 0))
