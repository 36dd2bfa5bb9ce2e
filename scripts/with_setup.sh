#!/bin/bash
# Runs a command so that it finds what scripts/setup.sh had to unpack into .setup/; just runs it if there is nothing.

set -eu
root="$(cd "$(dirname "$0")/.." && pwd)/.setup/root"
if [ -d "$root" ]; then
  libraries="$root/usr/lib/$(uname -m)-linux-gnu:$root/usr/lib/chromium"
  export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  [ ! -x "$root/usr/lib/chromium/chromium" ] || export CHROMIUM="${CHROMIUM:-$root/usr/lib/chromium/chromium}"
  if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && compgen -G "$root/usr/share/vulkan/icd.d/lvp_icd*.json" >/dev/null; then
    export VK_DRIVER_FILES="$(echo "$root"/usr/share/vulkan/icd.d/lvp_icd*.json)"
    export VK_ICD_FILENAMES="$VK_DRIVER_FILES"
  fi
fi
exec "$@"
