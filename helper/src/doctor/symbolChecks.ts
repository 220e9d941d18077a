// Which names and lines will be found: kernel symbols, debug information of installed packages.

import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { textOf } from '../client/surroundings';
import { type Check, degraded, type Finding, ok, unknown } from './finding';
import { repeatAsRoot } from './howToRepeat';

const DEBUG_FOLDER = '/usr/lib/debug/.build-id';

/** How each family of distributions installs debug information for a package that it ships. */
const DEBUG_INFO_HINTS: [family: RegExp, hint: string][] = [
  [/ubuntu/, 'Add the ddebs.ubuntu.com repository, then "apt install PACKAGE-dbgsym".'],
  [/debian/, 'Add the debian-debug repository, then "apt install PACKAGE-dbgsym".'],
  [/fedora|rhel|centos|rocky|almalinux/, 'Run "dnf debuginfo-install PACKAGE".'],
  [/suse/, 'Run "zypper install PACKAGE-debuginfo" with the debug repository enabled.'],
  [/arch/, 'Allow the server https://debuginfod.archlinux.org.'],
  [/alpine/, 'Run "apk add PACKAGE-dbg".'],
];

export const SYMBOL_CHECKS: Check[] = [
  { id: 'kernelSymbols', title: 'Kernel function names', run: kernelSymbols },
  { id: 'debugFiles', title: 'Debug information of installed packages', run: debugFiles },
];

function kernelSymbols(privileged: boolean): Finding {
  const restrict = textOf('/proc/sys/kernel/kptr_restrict')?.trim() ?? 'unknown';
  if (showsAddresses()) return ok(`/proc/kallsyms shows addresses (kptr_restrict ${restrict})`);
  if (restrict === '2')
    return degraded(
      'kptr_restrict is 2: kernel functions have no names',
      'Run "sysctl kernel.kptr_restrict=1" as root.',
    );
  const detail = `/proc/kallsyms hides addresses from this process (kptr_restrict ${restrict})`;
  if (privileged) return ok(`${detail}, but the helper opened it as root`);
  return unknown(`${detail}; the helper opens it as root`, repeatAsRoot());
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

/** Never more than a hint: programs built on this machine bring their own. */
function debugFiles(): Finding {
  const release = textOf('/etc/os-release') ?? '';
  const family = `${/^ID=(.*)$/m.exec(release)?.[1]} ${/^ID_LIKE=(.*)$/m.exec(release)?.[1]}`;
  const hint = DEBUG_INFO_HINTS.find(([pattern]) => pattern.test(family))?.[1] ?? '';
  const count = existsSync(DEBUG_FOLDER) ? readdirSync(DEBUG_FOLDER).length : 0;
  const servers = 'A debuginfod server may give more (setting ebpfTracer.debuginfodUrls, option --debuginfod).';
  if (count > 0) return ok(`${DEBUG_FOLDER} has some. ${servers}`);
  return ok(
    `none installed: packaged programs show functions without lines. ${[hint, servers].filter(Boolean).join(' ')}`,
  );
}
