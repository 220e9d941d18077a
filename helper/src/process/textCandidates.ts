// Whose code executable memory of no file may be: looked for among what a process has mapped, as /proc/PID/maps has it.

import { readFileSync } from 'node:fs';
import { readProcess } from '../client/livingThread';
import type { FileStore } from './fileStore';
import type { MappedFile } from './files';
import type { Mapping } from './maps';
import type { Anchor, MemoryRange, MovedTextQuestion } from './movedText';
import { closeTouched } from './patience';
import { readProcessLink } from './procfs';
import { openRegular, type Root } from './roots';

/** A program's segments lie side by side; the largest have code of some hundred megabytes. */
const MAX_DISTANCE_BYTES = 2 ** 30;
/** Just-in-time compilers have thousands of such mappings. */
const MAX_RANGES = 64;
const AT_PHDR = 3n;
const DELETED = / \(deleted\)$/;

/** One question for each file; `isNameless` tells executable memory of no file. */
export function questionsAbout(
  pid: number,
  root: Root,
  mappings: readonly Mapping[],
  isNameless: (mapping: Mapping) => boolean,
  store: FileStore,
): MovedTextQuestion[] {
  const ranges = nameless(mappings, isNameless);
  if (ranges.length === 0) return [];
  const byFile = new Map<MappedFile, { anchor: Anchor; ranges: MemoryRange[] }>();
  const add = (file: MappedFile, anchor: Anchor, range: MemoryRange) => {
    const known = byFile.get(file);
    if (known) known.ranges.push(range);
    else byFile.set(file, { anchor, ranges: [range] });
  };
  const ofFiles = mappings.filter(({ path, inode }) => inode !== 0n && path.startsWith('/'));
  for (const range of ranges) {
    for (const neighbour of neighbours(ofFiles, range)) {
      const file = store.files.tryOpen(pid, root, { ...neighbour, buildId: null });
      if (typeof file !== 'string') add(file, { start: neighbour.start, fileOffset: neighbour.fileOffset }, range);
    }
  }
  const headers = addressOfHeaders(pid);
  const atHeaders = ranges.find(({ start, end }) => headers !== null && start <= headers && headers < end);
  const program = atHeaders ? openProgram(pid, root, store) : null;
  if (program && atHeaders && headers !== null) add(program, { start: headers, fileOffset: null }, atHeaders);
  return [...byFile].map(([file, { anchor, ranges: some }]) => ({
    pid,
    ranges: some,
    candidates: [{ file, anchor }],
  }));
}

/** Neighbours as one. */
function nameless(mappings: readonly Mapping[], isNameless: (mapping: Mapping) => boolean): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (const mapping of mappings) {
    if (!mapping.executable || !isNameless(mapping)) continue;
    const last = ranges.at(-1);
    if (last?.end === mapping.start) last.end = mapping.end;
    else if (ranges.length < MAX_RANGES) ranges.push({ start: mapping.start, end: mapping.end });
  }
  return ranges;
}

/** The file mappings next to it, one on each side. */
function neighbours(ofFiles: readonly Mapping[], { start, end }: MemoryRange): Mapping[] {
  const below = ofFiles.findLast((mapping) => mapping.end <= start && start - mapping.end < MAX_DISTANCE_BYTES);
  const above = ofFiles.find((mapping) => mapping.start >= end && mapping.start - end < MAX_DISTANCE_BYTES);
  return [below, above].filter((mapping): mapping is Mapping => mapping !== undefined);
}

/** Where the kernel put the program's headers; auxv is pairs of words (proc_pid_auxv(5)). */
function addressOfHeaders(pid: number): number | null {
  const bytes = readProcess(pid, (folder) => {
    try {
      const read = readFileSync(`${folder}/auxv`);
      return read.length > 0 ? read : null;
    } catch {
      return null;
    }
  });
  for (let at = 0; bytes && at + 16 <= bytes.length; at += 16)
    if (bytes.readBigUInt64LE(at) === AT_PHDR) return Number(bytes.readBigUInt64LE(at + 8));
  return null;
}

/** The program's own file, where nothing is mapped of it any more. */
function openProgram(pid: number, root: Root, store: FileStore): MappedFile | null {
  const path = readProcessLink(pid, 'exe')?.replace(DELETED, '');
  const opened = readProcess(pid, (folder) => openRegular(`${folder}/exe`, true));
  if (!opened) return null;
  closeTouched(opened.fd);
  if (path === undefined) return null;
  const { inode } = opened;
  // Its device as mappings show it is not known, so it is known here by another key than a mapping of it would be.
  const identity = { start: 0, end: 0, path, deviceMajor: 0, deviceMinor: 0, inode, buildId: null, deleted: false };
  const file = store.files.tryOpen(pid, root, identity);
  return typeof file === 'string' ? null : file;
}
