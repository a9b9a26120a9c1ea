#!/usr/bin/env bash
# Writes constraints.txt anew: the newest versions of what the project, its extras and its build need.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${PYTHON:-python3}" -m venv "$scratch/venv"
python=$scratch/venv/bin/python
"$python" - >"$scratch/requirements.txt" <<'PYTHON'
import tomllib
from pathlib import Path

written = tomllib.loads(Path("pyproject.toml").read_text())
project = written["project"]
extras = project["optional-dependencies"].values()
# hatchling builds editable installs with editables
wanted = [*written["build-system"]["requires"], "editables", *project["dependencies"], *(r for e in extras for r in e)]
print("\n".join(wanted))
PYTHON
"$python" -m pip install --quiet --disable-pip-version-check -r "$scratch/requirements.txt"
{
  echo "# The versions this was tested with, for every extra and the build. Made by: make constraints"
  "$python" -m pip freeze
} >constraints.txt
