// Tells from how a start of the helper failed what the user has to know: sudo's and Node's own words, read in English
// (LC_ALL=C). Called by cli/elevate.ts when a started helper ended without its line.

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorReport, errorReport } from '../protocol';

export interface StartFailure {
  rung: 'direct' | 'sudo -n' | 'sudo';
  execPath: string;
  helperPath: string;
  exitCode: number | null;
  stderr: string;
  /** Where there is no exit code: what happened instead. */
  why: string | null;
}

/** File systems that may hide files from root; f_type as in statfs(2) and linux/magic.h. */
const HIDING_FILESYSTEMS = new Set([
  0x6969 /* NFS */, 0x65735546 /* FUSE */, 0xfe534d42 /* SMB2 */, 0xff534d42 /* CIFS */,
]);

/** What sudo, env, the dynamic loader and Node say of a file that root cannot read. */
const UNREADABLE =
  /unable to execute|command not found|Cannot find module|EACCES|Permission denied|No such file or directory|EIO|Transport endpoint is not connected|Stale file handle/;

export function explainFailure(failure: StartFailure): ErrorReport {
  const { rung, stderr } = failure;
  const said = lastLine(stderr);
  if (rung !== 'direct') {
    if (/incorrect password attempt/.test(stderr)) return errorReport('PASSWORD_REJECTED');
    if (/a password is required|a terminal is required|must have a tty|no tty present/.test(stderr))
      return rung === 'sudo'
        ? errorReport('ELEVATION_CANCELLED')
        : errorReport('NO_PRIVILEGE', 'sudo asks for a password and there is no terminal to type it.');
    if (/not in the sudoers file|may not run sudo|is not allowed to/.test(stderr))
      return errorReport('NO_PRIVILEGE', `sudo refuses: ${said}`);
  }
  const unreadable = [failure.execPath, failure.helperPath].find(
    (path) => stderr.includes(path) && UNREADABLE.test(stderr),
  );
  if (unreadable) return errorReport('HELPER_UNREADABLE', unreadable);
  if (rung !== 'direct') {
    // Ctrl-C at the prompt: sudo ends without a word.
    if (rung === 'sudo' && stderr.trim() === '') return errorReport('ELEVATION_CANCELLED');
    const hidden = [failure.execPath, failure.helperPath].find(mayHideFromRoot);
    if (hidden) return errorReport('HELPER_UNREADABLE', hidden);
  }
  return errorReport('HELPER_START', said || failure.why || `it ended with exit code ${failure.exitCode}.`);
}

/** Does `path` lie where root may see less than its owner: a network or user-space file system, or a Flatpak? */
export function mayHideFromRoot(path: string): boolean {
  try {
    return HIDING_FILESYSTEMS.has(statfsSync(dirname(path)).type >>> 0) || path.startsWith('/app/');
  } catch {
    return true;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
