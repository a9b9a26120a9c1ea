#!/usr/bin/env bash
# Style, types and import contracts. Runs all of them, names those that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()

step() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

step "ruff format" .venv/bin/ruff format --check .
step "ruff check" .venv/bin/ruff check .
step "mypy" .venv/bin/mypy
step "lint-imports" .venv/bin/lint-imports
step "vue-tsc" npm --silent --prefix h5 run typecheck

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
