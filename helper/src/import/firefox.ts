// Firefox Profiler's processed format (saved profiles, samply, `perf script report gecko`, our own export) -> a recording. Tables are
// lists of columns; a thread has its own up to version 55, all share them from 60 on. Layout and versions:
// docs-developer/CHANGELOG-formats.md and src/types/profile.ts of github.com/firefox-devtools/profiler.

import { basename } from 'node:path';
import type { RecordingFile } from '../protocol';
import type { Frame } from '../runtimes/frame';
import { jsonOf } from './json';
import type { Reader } from './reader';
import { type ImportedFrame, MAX_DEPTH, RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

/** The newest version that is known here; older than the first have other tables. */
const NEWEST = 70;
const OLDEST = 20;
const MAX_THREADS = 2_000;

type Column = readonly unknown[];
type Table = Record<string, Column | undefined>;

interface Tables {
  stackTable: Table;
  frameTable: Table;
  funcTable: Table;
  resourceTable: Table;
  strings: Column;
  sources: Table;
}

export const FIREFOX: Reader = {
  id: 'firefox',
  title: "Firefox Profiler's processed format (samply and others)",
  recognizes: (_, start) =>
    /^\s*\{/.test(start) &&
    /"preprocessedProfileVersion"|"meta"\s*:\s*\{[^{}]*"(?:interval|startTime|processType)"/.test(start),
  read: (file) => {
    const profile = jsonOf(file.text()) as Record<string, unknown> | null;
    const meta = objectOr(profile?.meta);
    const version = meta.preprocessedProfileVersion;
    if (typeof version !== 'number' || !Array.isArray(profile?.threads))
      throw new Unreadable(
        'it is no processed profile of Firefox Profiler: raw ones of Firefox must be opened and saved there first',
      );
    if (version > NEWEST || version < OLDEST)
      throw new Unreadable(
        `it has version ${version} of Firefox Profiler's format: ${OLDEST} to ${NEWEST} can be read`,
      );
    return recordingOf(profile, meta, basename(file.path));
  },
};

function recordingOf(
  profile: Record<string, unknown>,
  meta: Record<string, unknown>,
  fileTitle: string,
): RecordingFile {
  const threads = (profile.threads as unknown[]).map(objectOr);
  if (threads.length > MAX_THREADS) throw new Unreadable('it has too many threads');
  const shared = objectOr(profile.shared);
  const libs = listOr(profile.libs).map(objectOr);
  const periodNs = Math.max(1, Math.round(numberOr(meta.interval, 1) * 1e6));
  const weighed = threads.some(({ samples }) => objectOr(samples).weightType === 'bytes');
  const builder = new RecordingBuilder([
    weighed
      ? { id: 'bytes', unit: 'bytes', period: null }
      : { id: 'cpu', unit: 'nanoseconds', period: Math.min(periodNs, 1e12) },
  ]);
  for (const thread of threads) readThread(builder, thread, tablesOf(thread, shared), libs);
  return builder.finish(
    {
      title: textOr(meta.product, fileTitle) || fileTitle,
      command: textOr(meta.arguments, ''),
      startedAtMs: numberOr(meta.startTime, 0),
      remarks: weighed ? [] : ['Its samples are counted, each for the interval that the file states.'],
    },
    textOr(meta.importedFrom, '') || textOr(meta.product, 'Firefox Profiler'),
  );
}

function tablesOf(thread: Record<string, unknown>, shared: Record<string, unknown>): Tables {
  const table = (name: string) => objectOr(shared[name] ?? thread[name]) as Table;
  return {
    stackTable: table('stackTable'),
    frameTable: table('frameTable'),
    funcTable: table('funcTable'),
    resourceTable: table('resourceTable'),
    sources: table('sources'),
    strings: listOr(shared.stringArray ?? thread.stringArray ?? thread.stringTable),
  };
}

function readThread(
  builder: RecordingBuilder,
  thread: Record<string, unknown>,
  tables: Tables,
  libs: readonly Record<string, unknown>[],
): void {
  const samples = objectOr(thread.samples) as Table & { weightType?: unknown };
  const { stack = [], time, timeDeltas, weight } = samples;
  const name = textOr(thread.name, 'thread');
  const process = textOr(thread.processName, '');
  const of = {
    pid: idOr(thread.pid, 0),
    tid: idOr(thread.tid, 1),
    name: process !== '' && process !== name ? `${process} ${name}` : name,
  };
  const frames = new Map<number, Frame[]>();
  let atMs = 0;
  for (const [i, index] of stack.entries()) {
    atMs = time ? numberOr(time[i], atMs) : atMs + numberOr(timeDeltas?.[i], 0);
    if (typeof index !== 'number') continue;
    let known = frames.get(index);
    if (!known) {
      known = stackOf(builder, tables, libs, index);
      frames.set(index, known);
    }
    // Negative weights are memory that was freed.
    const figure = numberOr(weight?.[i], 1);
    if (known.length > 0 && figure > 0) builder.sample(known, of, Math.max(0, Math.min(atMs * 1e6, 2 ** 52)), [figure]);
  }
}

/** Innermost first. */
function stackOf(
  builder: RecordingBuilder,
  tables: Tables,
  libs: readonly Record<string, unknown>[],
  from: number,
): Frame[] {
  const { stackTable } = tables;
  const stack: Frame[] = [];
  let at: number | null = from;
  while (at !== null) {
    const frame = stackTable.frame?.[at];
    if (typeof frame !== 'number') throw new Unreadable('a stack in it is of a frame that is not there');
    stack.push(builder.frame(frameOf(tables, libs, frame)));
    if (stack.length > MAX_DEPTH) throw new Unreadable('its stacks are too deep');
    const offset: unknown = stackTable.prefixOffset?.[at];
    const prefix: unknown = stackTable.prefix?.[at];
    if (typeof offset === 'number') at = offset > 0 ? at - offset : null;
    else at = typeof prefix === 'number' ? prefix : null;
  }
  return stack;
}

function frameOf(tables: Tables, libs: readonly Record<string, unknown>[], index: number): ImportedFrame {
  const { frameTable, funcTable, resourceTable, sources, strings } = tables;
  const text = (at: unknown) => (typeof at === 'number' ? textOr(strings[at], '') : '');
  const func = frameTable.func?.[index];
  if (typeof func !== 'number') throw new Unreadable('a frame in it is of a function that is not there');
  const source = funcTable.source?.[func];
  const file = text(typeof source === 'number' ? sources.filename?.[source] : funcTable.fileName?.[func]);
  const resource = funcTable.resource?.[func];
  const lib = frameTable.lib?.[index] ?? (typeof resource === 'number' ? resourceTable.lib?.[resource] : undefined);
  const library = typeof lib === 'number' && lib >= 0 ? textOr(libs[lib]?.name, '') : '';
  const named = typeof resource === 'number' && resource >= 0 ? text(resourceTable.name?.[resource]) : '';
  const module = library || named;
  const isJs = funcTable.isJS?.[func] === true;
  return {
    name: text(funcTable.name?.[func]),
    file: file || null,
    line: numberOr(frameTable.line?.[index], 0),
    functionLine: numberOr(funcTable.lineNumber?.[func], 0),
    module,
    kind: isJs ? 'jit' : /^\[?(?:kernel|vmlinux)/.test(module) ? 'kernel' : 'native',
    inlined: numberOr(frameTable.inlineDepth?.[index], 0) > 0,
  };
}

const objectOr = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const listOr = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** `4242`, `"4242"`, `"4242.1"`. */
function idOr(value: unknown, otherwise: number): number {
  const number = Number.parseInt(String(value), 10);
  return Number.isSafeInteger(number) && number >= 0 && number < 2 ** 31 ? number : otherwise;
}
