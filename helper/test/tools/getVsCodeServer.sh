#!/bin/bash
# getVsCodeServer.sh   makes sure that a VS Code server lies in the cache and prints its folder. Inside it:
#   node/bin/node                                  the Node that it needs (newer than the project's own)
#   server/lib/vscode/out/server-main.js           the server: real workbench, real Node extension host
# Takes about a minute the first time, nothing after. Desktop VS Code is not on the package registries; the npm package code-server
# carries the same server. Only its lib/vscode part is installed, with the two native modules that the server cannot start without.
# They are built by the npm that belongs to that Node: a distribution's own may link its Node's library into them.
set -euo pipefail
CODE_SERVER=4.139.1 NODE_FOR_IT=24.21.0 NPM_FOR_IT=11.21.2
CACHE=${EBPF_TRACER_VSCODE_CACHE:-/var/tmp/ebpf-tracer-vscode}
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) echo "No VS Code server for $(uname -m)." >&2; exit 1 ;; esac
DIR=$CACHE/$CODE_SERVER-$NODE_FOR_IT-npm$NPM_FOR_IT-$arch
if [ -e "$DIR/complete" ]; then echo "$DIR"; exit; fi

mkdir -p "$CACHE"; chmod 755 "$CACHE"
# Two test runs at once: the second waits for the first.
exec 9>"$CACHE/lock"; flock 9
if [ -e "$DIR/complete" ]; then echo "$DIR"; exit; fi
rm -rf "$DIR"; mkdir -p "$DIR/server" "$DIR/node"
work=$(mktemp -d "$CACHE/work.XXXXXX"); trap 'rm -rf "$work"' EXIT
attempt() { for pause in 5 20 0; do "$@" >&2 && return; [ $pause = 0 ] || sleep $pause; done; return 1; }

echo "Fetching the VS Code server for the end-to-end tests into $DIR (some 600 MB, once)" >&2
cd "$work"
attempt npm pack --silent "node-linux-$arch@$NODE_FOR_IT"
attempt npm pack --silent "npm@$NPM_FOR_IT"
attempt npm pack --silent "code-server@$CODE_SERVER"
tar -xzf node-linux-*.tgz -C "$DIR/node" --strip-components=1 --no-same-owner
mkdir npm
tar -xzf npm-*.tgz -C npm --strip-components=1 --no-same-owner
tar -xzf code-server-*.tgz -C "$DIR/server" --strip-components=1 --no-same-owner
cd "$DIR/server/lib/vscode"
export PATH="$DIR/node/bin:$PATH" npm_config_nodedir="$DIR/node"
npm() { "$DIR/node/bin/node" "$work/npm/bin/npm-cli.js" "$@"; }
attempt npm install --omit=dev --ignore-scripts --no-audit --no-fund --silent
attempt npm rebuild --silent @vscode/spdlog @vscode/native-watchdog
chmod -R go+rX "$DIR"
touch "$DIR/complete"
echo "$DIR"
