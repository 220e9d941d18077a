// What sudo (and sudo-rs) mean by what they print, for whoever ran a helper through them. The sentences were read from sudo 1.9's and
// sudo-rs 0.2's own message catalogues; both run here with LC_ALL=C.

import { type ErrorReport, errorReport } from '../protocol';

export type SudoVerdict =
  /** Asking a person may help. */
  | { kind: 'passwordNeeded' }
  /** It wants a terminal, or does not know askpass. */
  | { kind: 'terminalNeeded' }
  | { kind: 'rejected' }
  /** No password helps. */
  | { kind: 'refused'; report: ErrorReport };

export interface ProgramFiles {
  node: string;
  script: string;
}

/** What sudo, env, the dynamic loader and Node say of a file that root cannot read. */
const UNREADABLE =
  /unable to execute|command not found|Cannot find module|EACCES|Permission denied|No such file|EIO|Transport endpoint is not connected|Stale file handle/i;

export function readSudoFailure(stderr: string, program: ProgramFiles): SudoVerdict {
  const says = (pattern: RegExp) => pattern.test(stderr);
  if (says(/incorrect (password|authentication) attempt/i)) return { kind: 'rejected' };
  if (
    says(
      /must have a tty|no tty present|a terminal is required|askpass program|unknown option|unrecognized option|invalid option/i,
    )
  )
    return { kind: 'terminalNeeded' };
  const unreadable = unreadableFile(stderr, program);
  if (unreadable) return { kind: 'refused', report: errorReport('HELPER_UNREADABLE', unreadable) };
  if (says(/password is required|no password was provided|interactive authentication is required/i))
    return { kind: 'passwordNeeded' };
  const why = /(no new privileges|not in the sudoers|may not run sudo|not allowed to|setuid|afraid I can't|is not 0)/i;
  const line = stderr.split('\n').find((text) => why.test(text));
  if (line) return { kind: 'refused', report: errorReport('NO_PRIVILEGE', line.replace(/^sudo(-rs)?:\s*/, '').trim()) };
  return { kind: 'refused', report: errorReport('HELPER_START', lastLine(stderr)) };
}

/** Root may not see what the user sees: NFS with root_squash, FUSE, Flatpak. */
export function unreadableFile(stderr: string, { node, script }: ProgramFiles): string | null {
  if (!UNREADABLE.test(stderr)) return null;
  if (stderr.includes(script)) return script;
  return stderr.includes(node) ? node : null;
}

export const lastLine = (text: string): string => text.trim().split('\n').pop() || 'it ended without a message';
