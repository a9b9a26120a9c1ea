#!/usr/bin/env bash
# Sees to it that there is a Chromium and fonts with Chinese for the browser tests.
# Brings Debian's when it may; else prints the one command that does, and fails.
set -euo pipefail

has_browser() {
  local name
  for name in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
    # Ubuntu's chromium-browser may be a stub that only says where to get the real one
    if command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then
      return
    fi
  done
  return 1
}

has_fonts() {
  [[ $(uname -s) == Darwin ]] || { command -v fc-list >/dev/null && [[ -n $(fc-list :lang=zh-cn family) ]]; }
}

if has_browser && has_fonts; then
  exit 0
fi

packages=(chromium fontconfig fonts-noto-cjk fonts-noto-color-emoji)
if ! command -v apt-get >/dev/null; then
  echo "The browser tests need Chromium (and a font with Chinese): install it, or name it: CHROMIUM=/path/to/chromium" >&2
  exit 1
fi
if ((EUID == 0)); then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  echo "The browser tests need Chromium and fonts. Run: sudo apt-get install -y ${packages[*]}" >&2
  exit 1
fi
echo "Bringing ${packages[*]} ..."
${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get update -qq
${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  "${packages[@]}" >/dev/null
if ! has_browser; then
  echo "apt-get brought no Chromium that runs: install one, and name it: CHROMIUM=/path/to/chromium" >&2
  exit 1
fi
