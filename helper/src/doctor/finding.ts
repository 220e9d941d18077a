// What one check of the machine is and what it may find. Implemented by the *Checks.ts files of this folder, run by
// check.ts.

import type { CheckItem } from '../protocol';
import { repeatAsRoot } from './howToRepeat';

/** `status`, what was found, and, where it is not ok, what to do. */
export type Finding = Pick<CheckItem, 'status' | 'detail' | 'fix'>;

export interface Check {
  /** Stable: the extension hangs its buttons on it. */
  id: string;
  /** For people. */
  title: string;
  /** May throw: that is a finding, too. `privileged`: this process has the rights to trace. */
  run(privileged: boolean): Finding;
}

export const ok = (detail: string): Finding => ({ status: 'ok', detail, fix: null });
export const degraded = (detail: string, fix: string | null): Finding => ({ status: 'degraded', detail, fix });
export const missing = (detail: string, fix: string): Finding => ({ status: 'missing', detail, fix });
export const unknown = (detail: string, fix: string | null): Finding => ({ status: 'unknown', detail, fix });

/** For what only administrators can see or try. */
export const needsRights = (): Finding => unknown('only visible with administrator rights', repeatAsRoot());
