// Short ways to write a line of the machine check. Used by the other files of this folder.

import type { CheckItem } from '../protocol';

type Status = CheckItem['status'];

/** A line about one feature: `id` is stable (the extension hangs buttons on it), the rest is for people. */
export function item(id: string, title: string, status: Status, detail: string, fix: string | null = null): CheckItem {
  return { id, title, status, detail, fix: status === 'ok' ? null : fix };
}

/** For what only administrators can see or try. */
export function needsRights(id: string, title: string): CheckItem {
  return item(id, title, 'unknown', 'only visible with administrator rights', 'Run "sudo ebpf-tracer check".');
}
