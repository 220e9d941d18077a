// Tells from how a start of the helper by the command line failed what the user has to know: sudo's and Node's own words, read in
// English (LC_ALL=C).

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorReport, errorReport } from '../protocol';
import { lastLine, readSudoFailure, unreadableFile } from './sudoMessages';

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

export function explainFailure(failure: StartFailure): ErrorReport {
  const { rung, stderr, execPath, helperPath } = failure;
  const files = { node: execPath, script: helperPath };
  const silent = stderr.trim() === '';
  if (rung === 'direct') {
    const unreadable = unreadableFile(stderr, files);
    if (unreadable) return errorReport('HELPER_UNREADABLE', unreadable);
  } else {
    const verdict = readSudoFailure(stderr, files);
    if (verdict.kind === 'rejected') return errorReport('PASSWORD_REJECTED');
    // Ctrl-C at the prompt: sudo ends without a word, or with these.
    if (rung === 'sudo' && (silent || verdict.kind !== 'refused')) return errorReport('ELEVATION_CANCELLED');
    if (verdict.kind !== 'refused')
      return errorReport('NO_PRIVILEGE', 'sudo asks for a password and there is no terminal to type it.');
    if (verdict.report.code !== 'HELPER_START') return verdict.report;
    const hidden = [execPath, helperPath].find(mayHideFromRoot);
    if (hidden) return errorReport('HELPER_UNREADABLE', hidden);
  }
  const said = silent ? '' : lastLine(stderr);
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
