// Whether a recording is complete stands at a fixed place near the start of its file, in slots of fixed length, so that
// it can be changed in place when nothing else can be done any more: the disk is full, or the helper was killed and a
// client finds its last checkpoint. Nothing else of the file is read or written, however large it is.

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { StopReason } from '../protocol';

const SLOT_CHARS = '"complete":false,"stopReason":"helperDied"'.length;
const SEARCH_BYTES = 64 * 1024;

/** JSON members of constant length; spaces after the last value are not part of it. */
export function statusText(complete: boolean, stopReason: StopReason): string {
  return `"complete":${complete},"stopReason":"${stopReason}"`.padEnd(SLOT_CHARS);
}

/** Marks the recording file as ended for `stopReason`. false if it is not there or was not being recorded. */
export function markIncomplete(path: string, stopReason: StopReason): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    if (!fstatSync(fd).isFile()) return false;
    const start = Buffer.alloc(SEARCH_BYTES);
    const text = start.toString('latin1', 0, readSync(fd, start, 0, start.length, 0));
    // Inside a string the quotes would be escaped, so this matches the member itself.
    const at = text.indexOf(statusText(false, 'running'));
    if (at < 0) return false;
    writeSync(fd, statusText(false, stopReason), at, 'latin1');
    return true;
  } finally {
    closeSync(fd);
  }
}
