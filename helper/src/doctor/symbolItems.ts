// What names and lines will be found: kernel symbols, debug information, the tools that fetch it. Called by check.ts.

import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { findInPath } from '../privilege/findInPath';
import { textOf } from '../privilege/surroundings';
import type { CheckItem } from '../protocol';
import { item } from './item';

const DEBUG_FOLDER = '/usr/lib/debug/.build-id';

/** How each family of distributions installs debug information for a package that it ships. */
const DEBUG_INFO_FIX: [family: RegExp, fix: string][] = [
  [/ubuntu/, 'Add the ddebs.ubuntu.com repository, then "apt install PACKAGE-dbgsym".'],
  [/debian/, 'Add the debian-debug repository, then "apt install PACKAGE-dbgsym".'],
  [/fedora|rhel|centos|rocky|almalinux/, 'Run "dnf debuginfo-install PACKAGE".'],
  [/suse/, 'Run "zypper install PACKAGE-debuginfo" with the debug repository enabled.'],
  [/arch/, 'Use "debuginfod-find debuginfo FILE" (package debuginfod).'],
  [/alpine/, 'Run "apk add PACKAGE-dbg".'],
];

export function symbolItems(privileged: boolean): CheckItem[] {
  return [kernelSymbols(privileged), debugFiles()];
}

function kernelSymbols(privileged: boolean): CheckItem {
  const title = 'Kernel function names';
  const restrict = textOf('/proc/sys/kernel/kptr_restrict')?.trim() ?? 'unknown';
  if (showsAddresses())
    return item('kernelSymbols', title, 'ok', `/proc/kallsyms shows addresses (kptr_restrict ${restrict})`);
  if (restrict === '2') {
    const detail = 'kptr_restrict is 2: kernel functions have no names';
    return item('kernelSymbols', title, 'degraded', detail, 'Run "sysctl kernel.kptr_restrict=1" as root.');
  }
  const detail = `/proc/kallsyms hides addresses from this process (kptr_restrict ${restrict})`;
  return privileged
    ? item('kernelSymbols', title, 'ok', `${detail}, but the helper opened it as root`)
    : item(
        'kernelSymbols',
        title,
        'unknown',
        `${detail}; the helper opens it as root`,
        'Run "sudo ebpf-tracer check".',
      );
}

function showsAddresses(): boolean {
  const head = Buffer.alloc(4096);
  try {
    const fd = openSync('/proc/kallsyms', 'r');
    const length = readSync(fd, head);
    closeSync(fd);
    return /^0*[1-9a-f][0-9a-f]* /m.test(head.toString('latin1', 0, length));
  } catch {
    return false;
  }
}

function debugFiles(): CheckItem {
  const title = 'Debug information of installed packages';
  const release = textOf('/etc/os-release') ?? '';
  const family = `${/^ID=(.*)$/m.exec(release)?.[1]} ${/^ID_LIKE=(.*)$/m.exec(release)?.[1]}`;
  const fix = DEBUG_INFO_FIX.find(([pattern]) => pattern.test(family))?.[1] ?? null;
  const count = existsSync(DEBUG_FOLDER) ? readdirSync(DEBUG_FOLDER).length : 0;
  const finder = findInPath('debuginfod-find') ? '; debuginfod-find can fetch more' : '';
  if (count > 0) return item('debugFiles', title, 'ok', `${DEBUG_FOLDER} has files${finder}`);
  const detail = `none in ${DEBUG_FOLDER}: packaged programs show functions without lines; your own builds bring theirs`;
  return item('debugFiles', title, 'ok', fix ? `${detail}. ${fix}` : detail);
}
