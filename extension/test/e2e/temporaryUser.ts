// A user for one test: may use sudo with its password (or without, where asked), and is removed again with all it left.
// Root only. Used by the tests of the password box and of the Electron case.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

export interface TemporaryUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
  password: string;
  /** Removes the timestamps with which sudo remembers a password. */
  forget(): void;
  remove(): void;
}

/** Why this machine cannot make one, or null. */
export function whyNoTemporaryUser(): string | null {
  if (process.getuid?.() !== 0) return 'making a temporary user needs root';
  for (const tool of ['useradd', 'chpasswd', 'sudo', 'visudo']) {
    try {
      execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${tool}`]);
    } catch {
      return `there is no ${tool} on this machine`;
    }
  }
  return null;
}

/** `passwordRemembered`: as sudo does by default, for a quarter of an hour. */
export function makeTemporaryUser(options: { passwordNeeded: boolean; passwordRemembered?: boolean }): TemporaryUser {
  const name = `ebpf-e2e-${process.pid}`;
  const password = `correct horse ${process.pid}`;
  const sudoers = `/etc/sudoers.d/${name}`;
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const home = `/var/tmp/${name}`;
  execFileSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/bash', name], { env });
  execFileSync('chpasswd', { input: `${name}:${password}\n`, env });
  const tag = options.passwordNeeded ? '' : 'NOPASSWD: ';
  const timestamps = options.passwordRemembered ? '' : `Defaults:${name} timestamp_timeout=0\n`;
  writeFileSync(sudoers, `${timestamps}${name} ALL=(ALL) ${tag}ALL\n`, { mode: 0o440 });
  execFileSync('visudo', ['-cqf', sudoers], { env });
  const forget = () => {
    for (const kept of ['/run/sudo/ts', '/var/lib/sudo/ts', '/var/lib/sudo/lectured'])
      rmSync(`${kept}/${name}`, { force: true });
  };
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return {
    name,
    uid: id('-u'),
    gid: id('-g'),
    home,
    password,
    forget,
    remove() {
      forget();
      rmSync(sudoers, { force: true });
      execFileSync('userdel', ['--remove', '--force', name], { env, stdio: 'ignore' });
    },
  };
}
