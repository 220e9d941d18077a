// Writes a recording as a speedscope file, piece by piece, so that no giant string arises and the ring can be drained
// in between: one frame per function, first all threads merged, then one sampled profile per thread, and our own
// `ebpfTracer` key near the start, where `recordingMark.ts` can find and change it in place. Called by
// recording/recordingWriter.ts. Format: speedscope's src/lib/file-format-spec.ts and its JSON schema.

import type { FunctionCount, RecordingExtra } from '../protocol';
import type { LocationRow } from '../stack/frameTable';
import type { GoroutineRows } from '../stack/goroutineCounts';
import type { ProfileSnapshot } from '../stack/profileSnapshot';
import { statusText } from './recordingMark';

/** Pieces are at least this long, save the last: large enough to be few, small enough to yield often. */
const PIECE_CHARS = 1 << 18;
const LISTED = 512;
/** Nodes of the call tree by line, past which it is left out (some 4 MB of text). */
const MAX_LINE_TREE_NODES = 200_000;

/** What the session knows beside the counts. */
export type RecordingHead = Omit<
  RecordingExtra,
  | 'formatVersion'
  | 'samples'
  | 'wholeStacks'
  | 'truncated'
  | 'frames'
  | 'symbolizedFrames'
  | 'threads'
  | 'goroutines'
  | 'lines'
  | 'frameDetails'
  | 'lineTree'
  | 'timeBucketMs'
  | 'sources'
>;

const FORMAT_VERSION = 1;

export function* speedscopeText(snapshot: ProfileSnapshot, head: RecordingHead): Generator<string> {
  let piece = '';
  for (const text of texts(snapshot, head)) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* texts(snapshot: ProfileSnapshot, head: RecordingHead): Generator<string> {
  const { complete, stopReason, ...rest } = head;
  yield '{"$schema":"https://www.speedscope.app/file-format-schema.json",';
  yield `"exporter":"universal-ebpf-tracer ${head.tracerVersion}","name":${JSON.stringify(head.title)},`;
  yield `"activeProfileIndex":0,"ebpfTracer":{"formatVersion":${FORMAT_VERSION},${statusText(complete, stopReason)},`;
  const counts: Omit<RecordingExtra, keyof RecordingHead | 'formatVersion' | 'lines' | 'frameDetails' | 'lineTree'> = {
    samples: snapshot.samples,
    wholeStacks: snapshot.wholeStacks,
    truncated: snapshot.truncated,
    frames: snapshot.frames,
    symbolizedFrames: snapshot.symbolizedFrames,
    threads: snapshot.threads.map(({ tid, pid, name, samples }) => ({ tid, pid, name, samples })),
    ...(snapshot.goroutines ? { goroutines: goroutinesOf(snapshot.goroutines, snapshot.lineTree.size) } : {}),
    sources: snapshot.sources,
    ...(snapshot.bucketNs > 0 ? { timeBucketMs: snapshot.bucketNs / 1e6 } : {}),
  };
  yield `${JSON.stringify({ ...rest, ...counts }).slice(1, -1)},"lines":[`;
  let comma = '';
  for (let i = 0; i < snapshot.lineTotal.length; i++) {
    if (snapshot.lineTotal[i] === 0) continue;
    const { file, line } = snapshot.lines[i];
    yield `${comma}{"file":${JSON.stringify(file)},"line":${line},"self":${snapshot.lineSelf[i]},"total":${snapshot.lineTotal[i]}}`;
    comma = ',';
  }
  yield '],"frameDetails":[';
  const linesOf = linesByFunction(snapshot);
  for (let i = 0; i < snapshot.functionTotal.length; i++) {
    const { module, kind, inlined, fullNames } = snapshot.functions[i];
    const more = `${inlined ? '"inlined":true,' : ''}${fullNames.length > 0 ? `"fullName":${JSON.stringify(fullNames.join('\n'))},` : ''}`;
    yield `${i ? ',' : ''}{"module":${JSON.stringify(module)},"kind":"${kind}",${more}"lines":${JSON.stringify(linesOf[i])}}`;
  }
  yield ']';
  yield* lineTreeText(snapshot);
  yield '},"shared":{"frames":[';
  for (let i = 0; i < snapshot.functionTotal.length; i++) {
    const { name, file } = snapshot.functions[i];
    const line = functionLine(snapshot, i, linesOf[i]);
    yield `${i ? ',' : ''}${JSON.stringify({ name, ...(file === null ? {} : { file }), ...(line === null ? {} : { line }) })}`;
  }
  yield ']},"profiles":[';
  yield* profileTexts(snapshot);
  yield ']}\n';
}

/** Without nodes where the tree that they are of is left out. */
function goroutinesOf({ top, ...rest }: GoroutineRows, treeSize: number): RecordingExtra['goroutines'] {
  return { top: treeSize > MAX_LINE_TREE_NODES ? top.map((row) => ({ ...row, nodes: [] })) : top, ...rest };
}

/** The merged profile, then one per thread, most samples first. */
function* profileTexts(snapshot: ProfileSnapshot): Generator<string> {
  const stackTexts = new Map<number, string>();
  const weightNs = Math.round(snapshot.periodNs);
  const entriesOf: number[][] = snapshot.threads.map(() => []);
  const all: number[] = [];
  for (let i = 0; i < snapshot.timelineSize; i++) {
    all.push(i);
    entriesOf[snapshot.threadAt(i)].push(i);
  }
  function* profile(name: string, entries: number[]): Generator<string> {
    let sum = 0;
    for (const i of entries) sum += snapshot.samplesAt(i);
    yield `{"type":"sampled","name":${JSON.stringify(name)},"unit":"nanoseconds","startValue":0,"endValue":${sum * weightNs},"samples":[`;
    yield* listed(entries, (i) => {
      const node = snapshot.functionNodeAt(i);
      let text = stackTexts.get(node);
      if (text === undefined) {
        text = `[${snapshot.pathOf(node).join()}]`;
        stackTexts.set(node, text);
      }
      return text;
    });
    yield '],"weights":[';
    yield* listed(entries, (i) => String(snapshot.samplesAt(i) * weightNs));
    yield ']}';
  }
  yield* profile('All threads', all);
  const order = snapshot.threads
    .map((_, i) => i)
    .sort((a, b) => snapshot.threads[b].samples - snapshot.threads[a].samples);
  const severalProcesses = new Set(snapshot.threads.map((thread) => thread.pid)).size > 1;
  for (const thread of order) {
    const { name, pid, tid } = snapshot.threads[thread];
    yield ',';
    yield* profile(severalProcesses ? `${name} (${pid}/${tid})` : `${name} (${tid})`, entriesOf[thread]);
  }
}

/** Texts with commas between, some hundred at a time: one at a time would cost more than making them. */
function* listed(entries: number[], text: (entry: number) => string): Generator<string> {
  for (let from = 0; from < entries.length; from += LISTED) {
    const comma = from === 0 ? '' : ',';
    yield comma +
      entries
        .slice(from, from + LISTED)
        .map(text)
        .join();
  }
}

function linesByFunction(snapshot: ProfileSnapshot): [line: number, self: number, total: number][][] {
  const lines: [number, number, number][][] = snapshot.functions.map(() => []);
  for (let i = 0; i < snapshot.locationTotal.length; i++) {
    const { functionIndex, line } = snapshot.locations[i];
    if (isInOwnFile(snapshot, snapshot.locations[i]) && snapshot.locationTotal[i] > 0)
      lines[functionIndex].push([line, snapshot.locationSelf[i], snapshot.locationTotal[i]]);
  }
  for (const list of lines) list.sort((a, b) => a[0] - b[0]);
  return lines;
}

/** Code of another file within a function (an include, a macro) is among the recording's `lines` only. */
function isInOwnFile({ lines, functions }: ProfileSnapshot, { functionIndex, lineIndex }: LocationRow): boolean {
  return lineIndex >= 0 && lines[lineIndex].file === functions[functionIndex].file;
}

/** Where the function starts, else its line with the most samples. */
function functionLine(snapshot: ProfileSnapshot, index: number, lines: [number, number, number][]): number | null {
  const start = snapshot.functions[index].line;
  if (start !== null) return start;
  let best: [number, number, number] | null = null;
  for (const line of lines) if (!best || line[1] > best[1] || (line[1] === best[1] && line[2] > best[2])) best = line;
  return best ? best[0] : null;
}

function* lineTreeText(snapshot: ProfileSnapshot): Generator<string> {
  const { size, parent, item, self } = snapshot.lineTree;
  if (size > MAX_LINE_TREE_NODES) return;
  yield `,"lineTree":{"parent":[${parent.subarray(0, size).join()}],"frame":[`;
  const column = (value: (node: number) => number) => Array.from({ length: size }, (_, node) => value(node)).join();
  yield column((node) => snapshot.locations[item[node]].functionIndex);
  const line = (location: LocationRow) => (isInOwnFile(snapshot, location) ? location.line : 0);
  yield `],"line":[${column((node) => line(snapshot.locations[item[node]]))}],"self":[${self.join()}]}`;
}

/** Functions by total and self, largest self first. */
export function functionCounts(snapshot: ProfileSnapshot): FunctionCount[] {
  const linesOf = linesByFunction(snapshot);
  return snapshot.functions
    .map((row, i) => ({
      name: row.name,
      file: row.file,
      line: functionLine(snapshot, i, linesOf[i]),
      self: snapshot.functionSelf[i],
      total: snapshot.functionTotal[i],
    }))
    .filter((row) => row.total > 0)
    .sort((a, b) => b.self - a.self || b.total - a.total);
}
