// Text of `perf script` -> a recording. Each sample is a line of whose it was, then a line a frame, innermost first, then an empty line;
// with `-F +srcline` a line below a frame says its source. Layout: the man page perf-script(1) and tools/perf/builtin-script.c.
//
//     hot-c  4242/4242  [001]  1234.567890:   10101010 cpu-clock:pppH:
//         55d0c0de1139 work_sixty+0x19 (/src/hot-c)
//       hot.c:15
//
// A sample counts once, whatever its period: with -F perf adapts the period so that samples stand for equal time.

import { basename } from 'node:path';
import type { Frame } from '../runtimes/frame';
import { linesOf } from './folded';
import type { Reader } from './reader';
import { type ImportedFrame, type ImportedThread, MAX_DEPTH, RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

const HEAD =
  /^(?<comm>\S.*?)\s+(?:(?<pid>\d{1,10})\/)?(?<tid>\d{1,10})\s+(?:\[\d+\]\s+)?(?:(?<time>\d{1,12}\.\d{1,9}):\s+)?(?:(?<period>\d{1,18})\s+)?(?<event>[\w:./,=~@-]+?):\s*$/;
const ADDRESS = /^\s+[0-9a-f]{1,16}\s/;
const SOURCE = /^(?<file>\S+):(?<line>\d{1,9})$/;
/** Longer ones are no heads. Expressions over longer lines would take others' time for ours. */
const MAX_HEAD_CHARS = 500;
/** Of perf's own clocks a period is a time, of others a number of events. */
const CLOCK = /^(?:cpu-clock|task-clock)/;
const MAX_EVENTS = 16;

interface Sample {
  thread: ImportedThread;
  timeNs: number;
  period: number;
  event: string;
  frames: ImportedFrame[];
}

export const PERF_SCRIPT: Reader = {
  id: 'perf-script',
  title: 'perf script',
  recognizes: (_, start) => {
    const lines = start.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return lines.length > 1 && headOf(lines[0]) !== null && ADDRESS.test(lines[1]);
  },
  read: (file) => {
    const first = new Map<string, { count: number; periods: number; equal: number | null }>();
    for (const { event, period } of samplesOf(file.text())) {
      const known = first.get(event) ?? { count: 0, periods: 0, equal: period };
      first.set(event, known);
      known.count++;
      known.periods += period;
      if (known.equal !== period) known.equal = null;
      if (first.size > MAX_EVENTS) throw new Unreadable('it has samples of too many events');
    }
    const events = [...first].sort((a, b) => b[1].count - a[1].count);
    const metrics = events.map(([event, { count, periods }]) => ({
      id: CLOCK.test(event) ? 'cpu' : event,
      unit: CLOCK.test(event) ? ('nanoseconds' as const) : ('count' as const),
      period: Math.max(1, Math.round(periods / count)),
    }));
    // Two clocks are two metrics.
    for (const [i, metric] of metrics.entries())
      if (metrics.findIndex(({ id }) => id === metric.id) < i) metric.id = events[i][0];
    const builder = new RecordingBuilder(metrics);
    let firstNs = Number.POSITIVE_INFINITY;
    let [lastNs, command] = [0, ''];
    for (const sample of samplesOf(file.text())) {
      firstNs = Math.min(firstNs, sample.timeNs);
      lastNs = Math.max(lastNs, sample.timeNs);
      command ||= sample.thread.name;
      const index = events.findIndex(([event]) => event === sample.event);
      const frames: Frame[] = sample.frames.map((frame) => builder.frame(frame));
      if (frames.length > 0)
        builder.sample(
          frames,
          sample.thread,
          sample.timeNs - firstNs,
          metrics.map((_, i) => (i === index ? 1 : 0)),
        );
    }
    const uneven = events.filter(([, { equal }]) => equal === null).map(([event]) => event);
    const remarks =
      uneven.length > 0 ? [`perf varied the periods of ${uneven.join(', ')}: each sample counts once.`] : [];
    const durationMs = lastNs > firstNs ? (lastNs - firstNs) / 1e6 : 0;
    return builder.finish({ title: command || basename(file.path), command, durationMs, remarks }, 'perf script');
  },
};

function* samplesOf(text: string): Generator<Sample> {
  let sample: Sample | null = null;
  for (const line of linesOf(text)) {
    if (line.trim() === '') {
      if (sample) yield sample;
      sample = null;
    } else if (/^\s/.test(line)) {
      if (!sample) continue;
      const last = sample.frames.at(-1);
      if (sample.frames.length > MAX_DEPTH) throw new Unreadable('its stacks are too deep');
      if (ADDRESS.test(line)) sample.frames.push(frameOf(line));
      else if (last) {
        const source = line.length > MAX_HEAD_CHARS ? undefined : SOURCE.exec(line.trim())?.groups;
        if (source) {
          last.file = source.file;
          last.line = Number(source.line);
        }
      }
    } else {
      if (sample) yield sample;
      sample = headOf(line);
    }
  }
  if (sample) yield sample;
}

function headOf(line: string): Sample | null {
  const head = line.length > MAX_HEAD_CHARS ? undefined : HEAD.exec(line)?.groups;
  if (!head) return null;
  const tid = Number(head.tid);
  return {
    thread: { pid: head.pid ? Number(head.pid) : tid, tid, name: head.comm },
    timeNs: head.time ? Math.round(Number(head.time) * 1e9) : 0,
    period: head.period ? Math.max(1, Number(head.period)) : 1,
    // `cycles:u`, `cpu-clock:pppH`: what follows the colon says where it counts.
    event: head.event.replace(/:[uhkHGpPSDeWb]*$/, ''),
    frames: [],
  };
}

/** `  55d0c0de1139 work_sixty+0x19 (/src/hot-c)`, with `(inlined)` at the end of what was inlined. */
function frameOf(line: string): ImportedFrame {
  const text = line.trim();
  const rest = text.slice(text.search(/\s/)).trim();
  const isInlined = rest.endsWith('(inlined)');
  const bare = isInlined ? rest.slice(0, -'(inlined)'.length).trim() : rest;
  const open = bare.endsWith(')') ? moduleStart(bare) : -1;
  const path = open < 0 ? '' : bare.slice(open + 1, -1);
  const symbol = open < 0 ? bare : bare.slice(0, open).trim();
  const kernel = path === '[kernel.kallsyms]' || path === '[guest.kernel.kallsyms]' || /\.ko(?:\.\w{1,8})?$/.test(path);
  const module = kernel ? '[kernel]' : path.slice(path.lastIndexOf('/') + 1);
  const plus = symbol.lastIndexOf('+0x');
  const name = plus > 0 ? symbol.slice(0, plus) : symbol;
  const unknown = name === '' || name === '[unknown]';
  return {
    name: unknown ? (module === '' ? '[unknown]' : `[unknown in ${module}]`) : name,
    module,
    kind: kernel ? 'kernel' : 'native',
    inlined: isInlined,
    symbolized: !unknown,
  };
}

/** Where the last pair of brackets opens: names of files and functions have some of their own. */
function moduleStart(text: string): number {
  let depth = 0;
  for (let i = text.length - 1; i >= 0; i--) {
    if (text[i] === ')') depth++;
    else if (text[i] === '(' && --depth === 0) return i;
  }
  return -1;
}
