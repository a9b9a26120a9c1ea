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
# the browser's tests wait for pages most of their time: they go beside the others, on engines of their own;
# and in folders of their own, since pytest shuts those that all runs share, also for PostgreSQL's account
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m pytest tests/browser -p no:cacheprovider --basetemp="$scratch/browser" >"$scratch/log" 2>&1 &
browser=$!
echo "== pytest, without the browser's tests"
.venv/bin/python -m pytest --ignore=tests/browser -n 2 --dist loadfile --basetemp="$scratch/rest" ||
  failed+=("pytest")
wait "$browser" || failed+=("browser tests")
echo "== pytest, the browser's tests"
cat "$scratch/log"
if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
