// Programs of Debian with the debug files that Debian made for them: code and debug information that nobody here chose. Fetched
// by apt into out/golden/packages and unpacked there, nothing is installed. Used by debianInlines.test.ts.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FOLDER = join(process.cwd(), 'out/golden/packages');

export interface DebianProgram {
  name: string;
  packages: string[];
  /** Below the folder that the packages are unpacked in. */
  program: string;
}

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

/** C and C++, small units and huge ones; debug files compressed by zlib, named by build-id. */
export const PROGRAMS: DebianProgram[] = [
  { name: 'libc', packages: ['libc6', 'libc6-dbg'], program: 'lib/x86_64-linux-gnu/libc.so.6' },
  {
    name: 'python3.11',
    packages: ['python3.11-minimal', 'python3.11-dbg'],
    program: 'usr/bin/python3.11',
  },
  { name: 'vsftpd', packages: ['vsftpd', 'vsftpd-dbg'], program: 'usr/sbin/vsftpd' },
  {
    name: 'liblua5.4',
    packages: ['liblua5.4-0', 'liblua5.4-0-dbg'],
    program: `${LIBRARIES}/liblua5.4.so.0.0.0`,
  },
  { name: 'valgrind', packages: ['valgrind', 'valgrind-dbg'], program: 'usr/libexec/valgrind/memcheck-amd64-linux' },
  {
    name: 'libgsl',
    packages: ['libgsl27', 'libgsl-dbg'],
    program: `${LIBRARIES}/libgsl.so.27.0.0`,
  },
  { name: 'libkrb5', packages: ['libkrb5-3', 'libkrb5-dbg'], program: `${LIBRARIES}/libkrb5.so.3.3` },
  {
    name: 'libjvm',
    packages: ['openjdk-17-jre-headless', 'openjdk-17-dbg'],
    program: 'usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so',
  },
];

/** The folder they are unpacked in, or why there is none. */
export function unpackedPackages({ name, packages }: DebianProgram): { folder: string } | { why: string } {
  const folder = join(FOLDER, name);
  if (existsSync(folder)) return { folder };
  const work = `${folder}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'packages'), { recursive: true });
  const fetched = spawnSync('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...packages], {
    cwd: join(work, 'packages'),
    encoding: 'utf8',
  });
  if (fetched.status !== 0) return { why: `apt-get download: ${fetched.stderr?.split('\n')[0] ?? fetched.error}` };
  for (const file of readdirSync(join(work, 'packages'))) {
    const unpacked = spawnSync('dpkg-deb', ['-x', join(work, 'packages', file), work], { encoding: 'utf8' });
    if (unpacked.status !== 0) return { why: `dpkg-deb -x ${file}: ${unpacked.stderr}` };
  }
  rmSync(join(work, 'packages'), { recursive: true });
  writeFileSync(join(work, 'complete'), '');
  renameSync(work, folder);
  return { folder };
}
