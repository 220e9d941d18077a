#!/bin/bash
# getRoot.sh SUITE DEST PACKAGE...
# Unpacks PACKAGEs of another Debian suite (bullseye ... sid), with all that they depend on, into the new folder
# DEST, to run them from there: `chroot DEST python3.13 ...`. Gives other versions of runtimes, another libc, a
# bare machine. Nothing of this machine is changed. Needs Debian's mmdebstrap. Environment:
#   VARIANT=extract  files only, no maintainer scripts (some 6 s; enough to run most programs)
#   VARIANT=apt      a small system with its scripts run (users, alternatives, certificates)
#   ARCH=arm64       another architecture (files only; running them needs qemu-user-static)
set -eu
SUITE=$1 DEST=$2; shift 2
: "${VARIANT:=extract}" "${ARCH:=$(dpkg --print-architecture)}"
# the mirror is the one this machine already uses for Debian
URI=$(apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 2>/dev/null |
  awk -F'|' '$1 ~ /^Debian/ && $2 ~ /^[a-z]+$/ {print $3; exit}')
[ -n "$URI" ] || { echo "getRoot: no Debian source in this machine's apt configuration (run apt-get update first)" >&2; exit 1; }
inc=$(IFS=,; echo "$*")
case $SUITE in bullseye*|buster*) usrmerge=();; *) usrmerge=(--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr);; esac
exec mmdebstrap --mode=root --variant="$VARIANT" --architectures="$ARCH" ${inc:+--include="$inc"} "${usrmerge[@]}" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' --aptopt='APT::Sandbox::User "root"' \
  --aptopt='Acquire::Check-Valid-Until "false"' --keyring=/usr/share/keyrings --quiet \
  "$SUITE" "$DEST" "deb $URI $SUITE main"
