// A recording in Firefox Profiler's processed format, version 60: the first whose tables all threads share; the application upgrades
// older versions to its own. A thread of a metric is a thread there, metrics after the first have their name before the thread's.
// Layout: src/types/profile.ts and docs-developer/CHANGELOG-formats.md of github.com/firefox-devtools/profiler.

import type { RecordingFile } from '../protocol';
import { plainFrameName, type StackTree, type TimedSample, timedSamples } from './samples';

/** Pinned: what is written is of this version. */
export const FIREFOX_VERSION = 60;
/** Of Gecko's own format, which such a profile might have come from: the one of the time of version 60. */
const GECKO_VERSION = 33;

const CATEGORIES = [
  { name: 'User', color: 'yellow', subcategories: ['Other'] },
  { name: 'Library', color: 'lightblue', subcategories: ['Other'] },
  { name: 'Runtime', color: 'green', subcategories: ['Other'] },
  { name: 'Kernel', color: 'orange', subcategories: ['Other'] },
  { name: 'Other', color: 'grey', subcategories: ['Other'] },
];
const OTHER = CATEGORIES.length - 1;
const LIBRARY_RESOURCE = 1;
/** Which thread is shown first where there are many. */
const INITIALLY_VISIBLE = 10;

export function* firefoxText(file: RecordingFile): Generator<string> {
  const extra = file.ebpfTracer!;
  const tables = new SharedTables(file);
  const threads = extra.metrics.flatMap((_, metric) => threadsOf(file, metric, tables));
  const period = extra.metrics[0].unit === 'nanoseconds' ? (extra.metrics[0].period ?? 1e6) : 1e6;
  const meta = {
    interval: period / 1e6,
    startTime: Date.parse(extra.startedAt),
    endTime: extra.durationMs,
    processType: 0,
    categories: CATEGORIES,
    product: extra.title,
    stackwalk: 1,
    debug: false,
    version: GECKO_VERSION,
    preprocessedProfileVersion: FIREFOX_VERSION,
    symbolicated: true,
    symbolicationNotSupported: true,
    markerSchema: [],
    importedFrom: file.exporter ?? 'Universal eBPF Tracer',
    arguments: extra.command,
    platform: 'Linux',
    oscpu: `Linux ${extra.kernel} ${extra.arch}`.trim(),
    usesOnlyOneStackType: true,
    sourceCodeIsNotOnSearchfox: true,
    sampleUnits: { time: 'ms', eventDelay: 'ms', threadCPUDelta: 'ns' },
    initialVisibleThreads: threads.slice(0, INITIALLY_VISIBLE).map((_, i) => i),
    initialSelectedThreads: threads.length > 0 ? [0] : [],
    keepProfileThreadOrder: true,
  };
  yield `{"meta":${JSON.stringify(meta)},"libs":${JSON.stringify(tables.libs)},"pages":[],"shared":${JSON.stringify(tables.shared())},"threads":[`;
  for (const [i, thread] of threads.entries()) yield `${i ? ',' : ''}${JSON.stringify(thread)}`;
  yield ']}\n';
}

function threadsOf(file: RecordingFile, metric: number, tables: SharedTables) {
  const extra = file.ebpfTracer!;
  const { id, unit, period } = extra.metrics[metric];
  const { tree, samples } = timedSamples(file, metric);
  const stacks = tables.addTree(tree);
  const byThread = new Map<number, TimedSample[]>();
  for (const sample of samples) {
    const known = byThread.get(sample.thread);
    if (known) known.push(sample);
    else byThread.set(sample.thread, [sample]);
  }
  const figures = (of: TimedSample[]) => of.reduce((sum, { figure }) => sum + figure, 0);
  const weightType =
    period !== null ? 'samples' : unit === 'bytes' ? 'bytes' : unit === 'nanoseconds' ? 'tracing-ms' : 'samples';
  const factor = weightType === 'tracing-ms' ? 1e-6 : 1;
  const stepMs = unit === 'nanoseconds' ? (period ?? 1) / 1e6 : 1;
  return [...byThread]
    .sort((a, b) => figures(b[1]) - figures(a[1]))
    .map(([index, own]) => {
      const { pid, tid, name } = extra.threads[index] ?? { pid: extra.pid, tid: extra.pid, name: 'All threads' };
      let elapsedMs = 0;
      const time = own.map(({ atMs, figure }) => {
        const at = atMs ?? elapsedMs;
        elapsedMs += figure * stepMs;
        return at;
      });
      return {
        processType: 'default',
        processStartupTime: 0,
        processShutdownTime: null,
        registerTime: 0,
        unregisterTime: null,
        pausedRanges: [],
        name: metric === 0 ? name : `${id}: ${name}`,
        isMainThread: pid === tid,
        processName: extra.title,
        pid: String(pid),
        tid: metric === 0 ? tid : `${tid}.${metric}`,
        samples: {
          stack: own.map(({ node }) => (node < 0 ? null : stacks + node)),
          time,
          weight: own.map(({ figure }) => figure * factor),
          weightType,
          length: own.length,
        },
        markers: { data: [], name: [], startTime: [], endTime: [], phase: [], category: [], length: 0 },
      };
    });
}

/** Tables as lists of columns, which all threads share. */
class SharedTables {
  readonly libs: {
    arch: string;
    name: string;
    path: string;
    debugName: string;
    debugPath: string;
    breakpadId: string;
    codeId: null;
  }[] = [];
  private readonly strings: string[] = [];
  private readonly stringIds = new Map<string, number>();
  private readonly sources: number[] = [];
  private readonly sourceIds = new Map<string, number>();
  private readonly resources: { lib: number; name: number }[] = [];
  private readonly resourceIds = new Map<string, number>();
  private readonly functions: {
    name: number;
    resource: number;
    source: number | null;
    line: number | null;
    js: boolean;
  }[] = [];
  private readonly functionIds = new Map<string, number>();
  private readonly stacks = { frame: [] as number[], prefix: [] as (number | null)[] };
  private readonly frames = {
    func: [] as number[],
    line: [] as (number | null)[],
    depth: [] as number[],
    category: [] as number[],
  };
  private readonly frameIds = new Map<string, number>();

  constructor(private readonly file: RecordingFile) {}

  /** Returns where its first node stands. */
  addTree({ parent, frame, line }: StackTree): number {
    const first = this.stacks.frame.length;
    const depth = new Int32Array(parent.length);
    for (let node = 0; node < parent.length; node++) {
      const inlined = this.file.ebpfTracer?.frameDetails[frame[node]]?.inlined === true;
      depth[node] = inlined && parent[node] >= 0 ? depth[parent[node]] + 1 : 0;
      this.stacks.frame.push(this.frame(frame[node], line[node], depth[node]));
      this.stacks.prefix.push(parent[node] < 0 ? null : first + parent[node]);
    }
    return first;
  }

  private frame(index: number, line: number, depth: number): number {
    return known(this.frameIds, `${index}:${line}:${depth}`, () => {
      this.frames.func.push(this.func(index));
      this.frames.line.push(line > 0 ? line : null);
      this.frames.depth.push(depth);
      return this.frames.category.push(categoryOf(this.file.ebpfTracer?.frameDetails[index]?.origin)) - 1;
    });
  }

  private func(index: number): number {
    const { file: path, line } = this.file.shared.frames[index];
    const { module = '', kind } = this.file.ebpfTracer?.frameDetails[index] ?? {};
    const name = plainFrameName(this.file, index);
    return known(this.functionIds, `${name}\0${path ?? ''}\0${line ?? ''}\0${module}`, () => {
      const source = path === undefined ? null : this.source(path);
      const resource = module === '' ? -1 : this.resource(module);
      const js = kind === 'jit' || kind === 'interpreted';
      return this.functions.push({ name: this.text(name), resource, source, line: line ?? null, js }) - 1;
    });
  }

  private resource(module: string): number {
    return known(this.resourceIds, module, () => {
      const names = { name: module, path: module, debugName: module, debugPath: module };
      const lib =
        this.libs.push({ arch: this.file.ebpfTracer?.arch ?? '', ...names, breakpadId: '', codeId: null }) - 1;
      return this.resources.push({ lib, name: this.text(module) }) - 1;
    });
  }

  private source(path: string): number {
    return known(this.sourceIds, path, () => this.sources.push(this.text(path)) - 1);
  }

  private text(text: string): number {
    return known(this.stringIds, text, () => this.strings.push(text) - 1);
  }

  shared() {
    const { frames, functions, resources, sources, stacks } = this;
    const nulls = (length: number) => new Array<null>(length).fill(null);
    return {
      stackTable: { ...stacks, length: stacks.frame.length },
      frameTable: {
        address: frames.func.map(() => -1),
        inlineDepth: frames.depth,
        category: frames.category,
        subcategory: frames.func.map(() => 0),
        func: frames.func,
        nativeSymbol: nulls(frames.func.length),
        innerWindowID: nulls(frames.func.length),
        line: frames.line,
        column: nulls(frames.func.length),
        length: frames.func.length,
      },
      funcTable: {
        name: functions.map(({ name }) => name),
        isJS: functions.map(({ js }) => js),
        relevantForJS: functions.map(() => false),
        resource: functions.map(({ resource }) => resource),
        source: functions.map(({ source }) => source),
        lineNumber: functions.map(({ line }) => line),
        columnNumber: nulls(functions.length),
        length: functions.length,
      },
      resourceTable: {
        lib: resources.map(({ lib }) => lib),
        name: resources.map(({ name }) => name),
        host: nulls(resources.length),
        type: resources.map(() => LIBRARY_RESOURCE),
        length: resources.length,
      },
      nativeSymbols: { libIndex: [], address: [], name: [], functionSize: [], length: 0 },
      sources: { uuid: nulls(sources.length), filename: sources, length: sources.length },
      stringArray: this.strings,
    };
  }
}

function categoryOf(origin: string | undefined): number {
  const index = CATEGORIES.findIndex(({ name }) => name.toLowerCase() === origin);
  return index < 0 ? OTHER : index;
}

function known(ids: Map<string, number>, key: string, add: () => number): number {
  let id = ids.get(key);
  if (id === undefined) {
    id = add();
    ids.set(key, id);
  }
  return id;
}
