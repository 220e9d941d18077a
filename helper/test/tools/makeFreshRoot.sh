#!/bin/bash
# makeFreshRoot.sh 12|13 root|sudo DEST CACHE   makes the new folder DEST a bare Debian as a new user has it: what the README names
# as prerequisites and nothing else, with this machine's own package sources (mirrors, proxies, certificates). CACHE keeps
# downloaded packages from run to run, never anything installed.
#   root   everything is done by root                         12   Node 20 of npm's registry (Debian 12 itself has 18)
#   sudo   by the user `dev`, whose home folder is closed     13   Debian's own nodejs and npm
set -euo pipefail
release=$1 as=$2 dest=$3 cache=$4
NODE_12=20.20.2 NPM_12=10.9.9
case $release in 12) suite=bookworm ;; 13) suite=trixie ;; *) echo "There is no recipe for Debian $release." >&2; exit 2 ;; esac
case $as in root) prerequisites=(make) ;; sudo) prerequisites=(make sudo) ;; *) echo "AS is root or sudo, not $as" >&2; exit 2 ;; esac
[ "$release" != 13 ] || prerequisites+=(nodejs npm)

# This machine's sources of Debian packages, one a line, with its own release replaced by the wanted one.
sources() {
  local own
  own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)' 2>/dev/null | sort -u |
    awk -F'|' -v own="$own" -v suite="$suite" '
      $1 ~ /^Debian/ && $4 == "main" && ($2 == own || $2 == own "-updates" || $2 == own "-security") {
        sub(own, suite, $2); print "deb " $3 " " $2 " main"
      }'
}
mapfile -t debs < <(sources)
[ ${#debs[@]} -gt 0 ] || { echo "makeFreshRoot: no Debian source in this machine's apt configuration (run apt-get update first)" >&2; exit 1; }

archives=$cache/$suite
mkdir -p "$archives"
# How this machine reaches its mirrors; nothing else of its configuration.
apt_options=()
while read -r line; do apt_options+=(--aptopt="$line"); done < <(
  apt-config dump 2>/dev/null | grep -iE '^Acquire::(https?::(Proxy|Verify|CaInfo)|Check-Valid-Until|Check-Date|Retries)' || true)
case $suite in bookworm) hooks=(--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr) ;; *) hooks=() ;; esac
mmdebstrap --mode=root --variant=minbase --include="$(IFS=,; echo "${prerequisites[*]}")" "${hooks[@]}" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --aptopt='APT::Sandbox::User "root"' \
  "${apt_options[@]}" --dpkgopt=force-unsafe-io --keyring=/usr/share/keyrings --quiet \
  --skip=download/empty --skip=essential/unlink --skip=cleanup/apt/cache \
  --setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives; cp -a '$archives'/. \"\$1\"/var/cache/apt/archives/" \
  "$suite" "$dest" "${debs[@]}"
# apt itself goes back to being Debian's: what makes it fast stays, the test's root owns its archive.
rm -f "$dest"/etc/apt/apt.conf.d/99mmdebstrap
printf '%s\n' 'Acquire::Languages "none";' "${apt_options[@]#--aptopt=}" >"$dest/etc/apt/apt.conf.d/90this-machine"

if [ "$release" = 12 ]; then
  # As unpacked from a tarball of nodejs.org: binary and headers below /usr/local, npm in its lib/node_modules.
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) echo "No Node for $(uname -m)." >&2; exit 1 ;; esac
  for package in "node-linux-$arch@$NODE_12" "npm@$NPM_12"; do
    file=$cache/${package/@/-}.tgz
    [ -e "$file" ] || (cd "$cache" && npm pack --silent "$package" >/dev/null)
  done
  tar -xzf "$cache/node-linux-$arch-$NODE_12.tgz" -C "$dest/usr/local" --strip-components=1 --no-same-owner
  mkdir -p "$dest/usr/local/lib/node_modules/npm"
  tar -xzf "$cache/npm-$NPM_12.tgz" -C "$dest/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
  for name in npm npx; do
    chmod +x "$dest/usr/local/lib/node_modules/npm/bin/$name-cli.js"
    ln -sf "../lib/node_modules/npm/bin/$name-cli.js" "$dest/usr/local/bin/$name"
  done
fi

home=/root
if [ "$as" = sudo ]; then
  home=/home/dev
  chroot "$dest" useradd --create-home --shell /bin/bash dev
  chmod 700 "$dest$home"
  # Nobody is there to type a password.
  echo 'dev ALL=(ALL:ALL) NOPASSWD: ALL' >"$dest/etc/sudoers.d/dev"
  chmod 440 "$dest/etc/sudoers.d/dev"
fi

# How this machine reaches the other registries: names, proxies and certificates, as its user has set them.
cp -L /etc/resolv.conf "$dest/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 fresh\n' >"$dest/etc/hosts"
echo fresh >"$dest/etc/hostname"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  mkdir -p "$dest/usr/local/share/ca-certificates" "$dest/etc/ssl/certs"
  cp /usr/local/share/ca-certificates/*.crt "$dest/usr/local/share/ca-certificates/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$dest/etc/ssl/certs/ca-certificates.crt"
fi
for file in /etc/pip.conf /etc/npmrc; do [ ! -r $file ] || cp $file "$dest$file"; done
grep -hE '^(registry|@[^=]*:registry|//|(https-?|no)?-?proxy|cafile|strict-ssl)' ~/.npmrc >"$dest$home/.npmrc" 2>/dev/null || true
for file in .config/go/env .config/pip/pip.conf .cargo/config.toml; do
  [ ! -r ~/$file ] || install -D -m 644 ~/$file "$dest$home/$file"
done
chroot "$dest" chown -R --reference="$home" "$home"
