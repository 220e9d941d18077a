// Reads /proc/PID/maps: which file, at which offset, a process has mapped where. Read when a
// process becomes known, executes, or shows an address that no mapping explains.
// Line format: proc_pid_maps(5) and show_map_vma() in the kernel's fs/proc/task_mmu.c.

import { readProcessText } from './procfs';

export interface Mapping {
  start: number;
  /** First address behind. */
  end: number;
  executable: boolean;
  /** Offset of `start` in the file, bytes. */
  fileOffset: number;
  deviceMajor: number;
  deviceMinor: number;
  /** 0n for memory without a file. */
  inode: bigint;
  /** As the target's mount namespace names it, without ` (deleted)`; `[vdso]`, `[heap]`, …; empty for plain memory. */
  path: string;
  /** The name is gone, or another file has it now. */
  deleted: boolean;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)(?:\s+(.*))?$/;
const DELETED = ' (deleted)';
/** Default vm.max_map_count is 65,530; more than this many lines are not read. */
const MAX_MAPPINGS = 262_144;

/** Lines that are not mappings are left out. */
export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    if (mappings.length === MAX_MAPPINGS) break;
    const start = Number.parseInt(match[1], 16);
    const end = Number.parseInt(match[2], 16);
    if (!(end > start)) continue;
    const name = unescapePath(match[8] ?? '');
    const inode = BigInt(match[7]);
    const deleted = inode !== 0n && name.endsWith(DELETED);
    mappings.push({
      start,
      end,
      executable: match[3][2] === 'x',
      fileOffset: Number.parseInt(match[4], 16),
      deviceMajor: Number.parseInt(match[5], 16),
      deviceMinor: Number.parseInt(match[6], 16),
      inode,
      path: deleted ? name.slice(0, -DELETED.length) : name,
      deleted,
    });
  }
  return mappings;
}

/** Null when the process is gone or may not be read. */
export function readMaps(pid: number): Mapping[] | null {
  const text = readProcessText(pid, 'maps');
  return text === null ? null : parseMaps(text);
}

/** The kernel writes a newline in a name as `\012`. */
function unescapePath(path: string): string {
  return path.includes('\\012') ? path.replaceAll('\\012', '\n') : path;
}
