// Where the end-to-end tests find what they drive, and where they leave what they saw. Used by every file here.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The repository. This file runs as out/js/extension/test/e2e/paths.js. */
export const ROOT = resolve(__dirname, '../../../../..');
export const ARTIFACTS = join(ROOT, '.artifacts/e2e');
export const WORKLOADS = join(ROOT, 'out/workloads');
export const WORKLOAD_SOURCES = join(ROOT, 'helper/test/workloads');

export function vsixPath(): string {
  const { name, version } = require(join(ROOT, 'package.json')) as { name: string; version: string };
  return join(ROOT, `out/${name}-linux-${process.arch}-${version}.vsix`);
}

/** The folder with the cached VS Code server; fetched when it is not there yet. */
export function vsCodeServerDir(): string {
  return execFileSync(join(ROOT, 'helper/test/tools/getVsCodeServer.sh'), { encoding: 'utf8' }).trim();
}

/** A new folder directly below /var/tmp: short enough for sockets, readable by the other user of the sudo test. */
export function freshFolder(name: string): string {
  const folder = mkdtempSync(`/var/tmp/ebpf-e2e-${name}-`);
  return folder;
}

export function artifact(name: string): string {
  mkdirSync(ARTIFACTS, { recursive: true });
  return join(ARTIFACTS, name);
}
