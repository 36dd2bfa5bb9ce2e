#!/bin/bash
# Installs what Node packages cannot bring: a Vulkan driver for machines without a GPU (Mesa's llvmpipe, version 25
# or later), and Chromium for the browser tests. What is there is left alone; if all is, this says nothing.
#
#   scripts/setup.sh [--no-browser]
#
# On Debian and Ubuntu: by apt as root, or with sudo if it asks no password; else the packages are unpacked into
# .setup/, which scripts/with_setup.sh makes known to the command it runs. Elsewhere: says what to install.
# CHROMIUM=/path/to/browser names a Chromium or Chrome that is somewhere else.

set -eu
cd "$(dirname "$0")/.."

local_root="$PWD/.setup/root"
multiarch="$(uname -m)-linux-gnu"
browser_wanted=yes
case "${1:-}" in
  --no-browser) browser_wanted=no ;;
  '') ;;
  *) echo "usage: scripts/setup.sh [--no-browser]" >&2; exit 2 ;;
esac

say() { echo "setup: $*" >&2; }

# --- what is there ---

has_vulkan() {
  # a driver that the user has chosen, or a GPU's own, or Mesa's software driver
  [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && return 0
  compgen -G '/usr/share/vulkan/icd.d/nvidia_icd*.json' >/dev/null && return 0
  compgen -G '/etc/vulkan/icd.d/nvidia_icd*.json' >/dev/null && return 0
  compgen -G "$local_root/usr/share/vulkan/icd.d/lvp_icd*.json" >/dev/null && return 0
  compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null && has_loader && new_mesa
}

has_loader() {
  ls "/usr/lib/$multiarch/libvulkan.so.1" /usr/lib64/libvulkan.so.1 /usr/lib/libvulkan.so.1 2>/dev/null | grep -q .
}

# Mesa before 25 lacks what Dawn asks of Vulkan. Where there is no dpkg, whoever installed it is trusted.
new_mesa() {
  command -v dpkg-query >/dev/null || return 0
  recent "$(dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null || true)"
}

recent() { [ -n "$1" ] && dpkg --compare-versions "$1" ge 25; }

has_browser() {
  [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return 0
  [ -x "$local_root/usr/bin/chromium" ] && return 0
  for name in chromium google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

packages=()
has_vulkan || packages+=(libvulkan1 mesa-vulkan-drivers)
[ "$browser_wanted" = no ] || has_browser || packages+=(chromium)
[ ${#packages[@]} -gt 0 ] || exit 0

# --- what can be done about it ---

give_up() {
  say "$*"
  say "ask an administrator to install: a Vulkan driver (a GPU's own, or Mesa 25 or later: packages libvulkan1 and"
  say "mesa-vulkan-drivers on Debian and Ubuntu, on Debian 12 from bookworm-backports), and for the tests Chromium"
  say "or Google Chrome (CHROMIUM=/path/to/browser if it is not on the PATH)"
  exit 1
}

[ "$(uname -s)" = Linux ] || {
  [ "${packages[*]}" = chromium ] || exit 0 # Metal and Direct3D need no driver of ours
  give_up "no Chromium or Chrome was found"
}
command -v apt-get >/dev/null || give_up "this is neither Debian nor Ubuntu; missing: ${packages[*]}"
. /etc/os-release

# Ubuntu's package chromium is a stub for a snap, which containers cannot run.
if [ "${ID:-}" = ubuntu ] && [[ " ${packages[*]} " == *" chromium "* ]]; then
  give_up "Ubuntu has Chromium as a snap only: install Google Chrome, or set CHROMIUM; missing: ${packages[*]}"
fi

root=no
as_root=()
if [ "$(id -u)" = 0 ]; then
  root=yes
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  root=yes
  as_root=(sudo -n)
fi

mkdir -p .setup
log="$PWD/.setup/apt.log"
: > "$log"
# Without root, apt keeps its lists and archives in .setup/ and takes the system's record of what is installed.
options=(-q -y -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Dir::State::status=/var/lib/dpkg/status)
if [ "$root" = yes ]; then
  options=(-q -y)
else
  mkdir -p .setup/lists/partial .setup/archives/partial .setup/sources
  cp -r /etc/apt/sources.list /etc/apt/sources.list.d .setup/sources/ 2>/dev/null || true
  options+=(-o "Dir::State::lists=$PWD/.setup/lists" -o "Dir::Cache::archives=$PWD/.setup/archives")
  options+=(-o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
  touch .setup/sources/sources.list
  options+=(-o "Dir::Etc::sourcelist=$PWD/.setup/sources/sources.list")
  options+=(-o "Dir::Etc::sourceparts=$PWD/.setup/sources/sources.list.d")
fi

apt_get() {
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get "${options[@]}" "$@" >>"$log" 2>&1
}

candidate() { apt-cache "${options[@]:2}" policy mesa-vulkan-drivers | sed -n 's/^ *Candidate: //p'; }

refresh() {
  apt_get update || say "apt-get update had faults, see $log; going on with what is known"
}

# Debian 12 has Mesa 22; its backports have 25.
drivers_from=()
add_backports() {
  [ "${ID:-}" = debian ] && [ "${VERSION_CODENAME:-}" = bookworm ] || return 0
  drivers_from=(-t bookworm-backports)
  apt-cache "${options[@]:2}" policy | grep -q 'n=bookworm-backports' && return 0
  say "adding bookworm-backports, for Mesa 25"
  local line='deb http://deb.debian.org/debian bookworm-backports main'
  if [ "$root" = yes ]; then
    echo "$line" | "${as_root[@]}" tee /etc/apt/sources.list.d/maskrcnn-backports.list >/dev/null
  else
    mkdir -p .setup/sources/sources.list.d
    echo "$line" > .setup/sources/sources.list.d/maskrcnn-backports.list
  fi
  refresh
}

# fetch [-t SUITE] PACKAGE...
fetch() {
  local how=()
  [ "$root" = yes ] || how=(--download-only)
  apt_get --no-install-recommends "${how[@]}" install "$@" && return
  tail -n 5 "$log" >&2
  [ "$root" = yes ] || say "this user cannot become root, so that packages can only be unpacked locally"
  give_up "apt-get install $* failed, see .setup/apt.log"
}

unpack_locally() {
  mkdir -p "$local_root"
  for package in .setup/archives/*.deb; do dpkg -x "$package" "$local_root"; done
  rm -rf .setup/archives .setup/lists .setup/sources
  # manifests name their library without a folder, or with the system's
  sed -i "s#\(\"library_path\": \"\).*\(lib[^/\"]*\)\"#\1$local_root/usr/lib/$multiarch/\2\"#" \
    "$local_root"/usr/share/vulkan/icd.d/*.json
}

say "missing: ${packages[*]}; fetching them (log: .setup/apt.log)"
refresh
if [[ " ${packages[*]} " == *mesa-vulkan-drivers* ]]; then
  add_backports
  fetch "${drivers_from[@]}" libvulkan1 mesa-vulkan-drivers
fi
if [[ " ${packages[*]} " == *chromium* ]]; then fetch chromium; fi
[ "$root" = yes ] || unpack_locally
has_vulkan || give_up "only Mesa $(candidate) is to be had here; version 25 or later is needed"
say "done"
