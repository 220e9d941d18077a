// Entry of the thread that makes unwind tables (bundle: dist/unwindWorker.js): parses files that the main thread has opened,
// without any capability. Apart from the symbolization's workers, because a table is wanted at once, and those may be
// reading a large debug file for seconds. Started and ended by compiler.ts.

import { closeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { BufferSource, type ByteSource, dropPages, FileSource } from '../../bytes/source';
import { checkBuild } from '../../elf/buildCheck';
import { chooseDebugFile } from '../../elf/debugCandidates';
import type { DebugHandle, Description } from '../../elf/handles';
import { ElfFile } from '../../elf/parser';
import { dropAllCapabilities } from '../../privilege/capabilities';
import { recognizeRuntimes } from '../../runtimes';
import type { RecognizedFile } from '../../runtimes/recognizedFiles';
import { answerRequests } from '../../workers/requestThread';
import { loadOrCompile, openTableCache, type UnwindTable } from '..';
import { leavesCodeOpen } from '../coverage';
import { RecognitionCache } from './recognitionCache';

export interface TableRequest {
  /** A file that the main thread has open, or a copy of the vdso. */
  from: { fileId: number; fd: number; sizeBytes: number; expectedBuildId?: string | null } | { bytes: Uint8Array };
  /** Candidates for its separate debug file; left out: the answer says whether to look for one. */
  debug?: DebugHandle[];
}

export interface LoadedTable {
  table: UnwindTable;
  /** By what to look for a debug file, which may have rows for code that the file itself leaves open; null: no need. */
  wants: Description | null;
}

/** What a file holds of language runtimes. Asked by itself, for nobody's native stacks should wait for it. */
export interface RecognitionRequest {
  recognize: TableRequest['from'];
}

export interface Recognition {
  recognized: RecognizedFile;
  /** What is wrong with the file, in plain words. */
  problems: string[];
}

dropAllCapabilities();
const { cacheDir } = workerData as { cacheDir: string | null };
const cache = openTableCache(cacheDir);
const recognitions = RecognitionCache.open(cacheDir, __filename);
/** Ids of inflated sections, apart from those of the main thread's files. */
let lastOwnId = 0;

function parse(from: TableRequest['from']): ElfFile {
  const source: ByteSource =
    'bytes' in from ? new BufferSource(Buffer.from(from.bytes)) : new FileSource(from.fileId, from.fd, from.sizeBytes);
  const elf = ElfFile.parse(source);
  if ('fileId' in from) checkBuild(elf, from.expectedBuildId ?? null);
  return elf;
}

async function load({ from, debug: candidates }: TableRequest): Promise<LoadedTable> {
  const descriptors: number[] = [];
  // Never the same number again: windows of a file are kept by it.
  const spill = { cache: null, descriptors, memoryBytes: 0, nextFileId: () => --lastOwnId };
  try {
    const elf = parse(from);
    const debug = candidates && chooseDebugFile(elf, candidates);
    const table = await loadOrCompile(elf, debug?.debug ?? null, cache, spill);
    if (debug?.problem) table.problems.push(debug.problem);
    const wants = candidates || 'bytes' in from || !leavesCodeOpen(elf, table) ? null : descriptionOf(elf);
    return { table, wants };
  } finally {
    if ('fileId' in from) dropPages(from.fileId);
    for (const { id } of candidates ?? []) dropPages(id);
    for (const fd of descriptors) closeSync(fd);
  }
}

function descriptionOf(elf: ElfFile): Description {
  return { buildId: elf.buildId, debugLink: elf.debugLink(), wantsDebugFile: true };
}

function recognize({ recognize: from }: RecognitionRequest): Recognition {
  const problems: string[] = [];
  try {
    const elf = parse(from);
    const known = recognitions?.load(elf);
    if (known) return { recognized: known, problems };
    const recognized = recognizeRuntimes(elf, (text) => problems.push(text));
    // What is wrong with a file is told in each run.
    if (problems.length === 0) recognitions?.save(elf, recognized);
    return { recognized, problems };
  } finally {
    if ('fileId' in from) dropPages(from.fileId);
  }
}

answerRequests<TableRequest | RecognitionRequest, LoadedTable | Recognition>((request) =>
  'recognize' in request ? recognize(request) : load(request),
);
