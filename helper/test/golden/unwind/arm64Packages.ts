// Programs of Debian's arm64 packages, on any machine: fetched with apt in a folder of its own, so that this machine's package
// lists and its foreign architectures stay as they are. Kept in out/golden/arm64. Used by unwindSystem.test.ts.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(process.cwd(), 'out/golden/arm64');
/** C, C++, assembly, Go and Rust; programs and libraries, and what many others are linked from. */
const PACKAGES = [
  ...['libc6', 'libstdc++6', 'libgcc-s1', 'bash', 'coreutils', 'perl-base', 'openssl', 'libssl3', 'git', 'nginx'],
  ...[
    'python3.11-minimal',
    'gcc-12',
    'cpp-12',
    'libllvm14',
    'postgresql-15',
    'redis-tools',
    'ripgrep',
    'gdb',
    'libicu72',
  ],
  ...[
    'libgtk-3-0',
    'libqt5core5a',
    'libboost-context1.74.0',
    'libxml2',
    'libsqlite3-0',
    'libc++1-14',
    'golang-1.19-go',
  ],
];

/** The folder they are unpacked in, or why there is none. */
export function arm64Packages(): { folder: string } | { why: string } {
  const folder = join(FOLDER, 'root');
  const complete = join(FOLDER, 'complete');
  if (existsSync(complete)) return { folder };
  const uri = debianMirror();
  if (uri === null) return { why: "there is no Debian source in this machine's apt configuration" };
  rmSync(FOLDER, { recursive: true, force: true });
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'packages', 'root', 'empty'])
    mkdirSync(join(FOLDER, name), { recursive: true });
  writeFileSync(join(FOLDER, 'state/status'), '');
  writeFileSync(
    join(FOLDER, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri} bookworm main\n`,
  );
  const settings = {
    'Dir::State': join(FOLDER, 'state'),
    'Dir::State::status': join(FOLDER, 'state/status'),
    'Dir::Cache': join(FOLDER, 'cache'),
    'Dir::Etc::sourcelist': join(FOLDER, 'sources.list'),
    'Dir::Etc::sourceparts': join(FOLDER, 'empty'),
    'Dir::Etc::preferencesparts': join(FOLDER, 'empty'),
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Check-Valid-Until': 'false',
    'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]) =>
    spawnSync('apt-get', [...options, '-qq', ...args], { cwd: join(FOLDER, 'packages'), encoding: 'utf8' });
  const updated = apt('update');
  if (updated.status !== 0) return { why: `apt-get update: ${updated.stderr?.split('\n')[0] ?? updated.error}` };
  const fetched = apt('download', ...PACKAGES);
  if (fetched.status !== 0) return { why: `apt-get download: ${fetched.stderr.split('\n')[0]}` };
  for (const name of readdirSync(join(FOLDER, 'packages'))) {
    const unpacked = spawnSync('dpkg-deb', ['-x', join(FOLDER, 'packages', name), folder], { encoding: 'utf8' });
    if (unpacked.status !== 0) return { why: `dpkg-deb -x ${name}: ${unpacked.stderr}` };
    rmSync(join(FOLDER, 'packages', name));
  }
  writeFileSync(complete, '');
  return { folder };
}

/** The one that this machine uses; null without one, and where there is no apt. */
function debianMirror(): string | null {
  const format = '$(ORIGIN)|$(RELEASE)|$(REPO_URI)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
  const line = (stdout ?? '').split('\n').find((candidate) => /^Debian\|[a-z]+\|/.test(candidate));
  return line?.split('|')[2] ?? null;
}
