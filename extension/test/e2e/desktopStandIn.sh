#!/bin/sh
# What extensionHost.test.ts gives to @vscode/test-electron as the "VS Code" where no desktop VS Code is at hand.
exec "${EBPF_TRACER_NODE:-node}" "$(dirname "$0")/../../../out/js/extension/test/e2e/standIn.js" "$@"
