#!/bin/bash
# getKernel.sh SUITE META DEST: downloads and unpacks (does not install) the kernel that
# Debian's package META (linux-image-cloud-amd64, linux-image-6.12-cloud-amd64, ...) of SUITE stands for.
# The machine's own apt sources, lists and state are not touched.
set -eu
SUITE=$1 META=$2 DEST=$3
# the mirror is the one this machine already uses for Debian
case $SUITE in *-security) W='-security$';; *) W='^[a-z]+$';; esac
URI=$(apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 2>/dev/null |
  awk -F'|' -v w="$W" '$1 ~ /^Debian/ && $2 ~ w {print $3; exit}')
[ -n "$URI" ] || { echo "getKernel: no Debian source in this machine's apt configuration (run apt-get update first)" >&2; exit 1; }
A=$DEST/.apt; mkdir -p "$A/lists/partial" "$A/cache/archives/partial" "$A/deb"; A=$(readlink -f "$A"); : > "$A/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $URI $SUITE main" > "$A/list"
O=(-o Dir::Etc::sourcelist="$A/list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::Lists="$A/lists" -o Dir::State::status="$A/status"
   -o Dir::Cache="$A/cache" -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root)
apt-get "${O[@]}" -qq update
deps() { apt-cache "${O[@]}" show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',|' '\n\n' | awk '{print $1}'; }
img=$(deps "$META" | grep -E '^linux-image-[0-9]' | head -1)
set -- "$img" $(deps "$img" | grep -E '^linux-(binary|modules|base)-[0-9]' || true)
echo "$SUITE: $*"
( cd "$A/deb" && apt-get "${O[@]}" -qq download "$@" )
for d in "$A"/deb/*.deb; do dpkg -x "$d" "$DEST"; done
rm -rf "$A/deb" "$A/cache" "$DEST/usr/share/doc"
