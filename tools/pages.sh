#!/usr/bin/env bash
# Brings h5/node_modules up to date. Quick when package-lock.json is unchanged.
set -euo pipefail
cd "$(dirname "$0")/../h5"

if ! command -v npm >/dev/null; then
  echo "Node.js 20.19 or newer with npm is needed for the pages: install it and run this again." >&2
  exit 1
fi
key=$(cat package.json package-lock.json | cksum)
stamp=node_modules/.installed
if [[ ! -f $stamp || "$(<"$stamp")" != "$key" ]]; then
  echo "Installing into h5/node_modules ..."
  npm ci --no-audit --no-fund --loglevel=error
  echo "$key" >"$stamp"
fi
