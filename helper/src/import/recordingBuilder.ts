// Stacks of another program's file -> a recording in our own model, with metrics, lines and a call tree by line: they are counted and
// written by what counts and writes our own recordings, so every view, exporter and comparison sees one shape. Bounds on what a file
// may make us hold are here, for all readers.

import { type RecordingHead, speedscopeText } from '../export/speedscope';
import { type Metric, NotSpeedscope, parseSpeedscope, type RecordingFile, TRACER_VERSION } from '../protocol';
import { EMPTY_FRAME, type Frame } from '../runtimes/frame';
import { StackCounts } from '../stack/stackCounts';
import { Unreadable } from './unreadable';

export interface ImportedHead {
  /** What the profile is of: a file's or a program's name. */
  title: string;
  command?: string;
  pid?: number;
  startedAtMs?: number | null;
  durationMs?: number | null;
  arch?: string;
  /** Relative paths start there. */
  cwd?: string | null;
  /** What the file cannot say or what was odd in it, in sentences. */
  remarks?: string[];
}

export interface ImportedThread {
  pid: number;
  tid: number;
  name: string;
}

/** What readers know of a frame. */
export type ImportedFrame = Pick<Frame, 'name'> & Partial<Frame>;

export const MAX_DEPTH = 10_000;
/** Of all stacks together: what is counted once. */
const MAX_STEPS = 2e8;
const MAX_NAME_CHARS = 4_096;
const MAX_PATH_CHARS = 4_096;
const MAX_FRAMES = 2_000_000;
/** Three months. */
const MAX_NS = 2 ** 53;
const TOO_FAR = 'its times are too far apart';

export class RecordingBuilder {
  private readonly counts: StackCounts;
  private readonly frames = new Map<string, Frame>();
  private readonly stackIds = new Map<string, bigint>();
  private readonly frameIds = new Map<Frame, number>();
  private steps = 0;
  private lastNs = 0;

  constructor(private readonly metrics: readonly Metric[]) {
    if (metrics.some(({ period }) => period !== null && !(period >= 1 && period < MAX_NS)))
      throw new Unreadable(TOO_FAR);
    this.counts = new StackCounts(metrics);
  }

  /** Equal ones are the same object. */
  frame(of: ImportedFrame): Frame {
    const name = of.name === '' ? '[anonymous]' : of.name.slice(0, MAX_NAME_CHARS);
    const file = of.file ? of.file.slice(0, MAX_PATH_CHARS) : null;
    const line = lineOrNull(of.line);
    const functionLine = lineOrNull(of.functionLine);
    const module = of.module ?? '';
    const key = [name, file ?? '', line ?? '', functionLine ?? '', module, of.kind ?? '', of.inlined ?? ''].join('\0');
    let frame = this.frames.get(key);
    if (!frame) {
      if (this.frames.size >= MAX_FRAMES) throw new Unreadable('it has too many functions and lines');
      const kind = of.kind ?? 'native';
      frame = {
        ...EMPTY_FRAME,
        ...of,
        kind,
        name,
        file,
        line,
        functionLine,
        module,
        symbolized: of.symbolized ?? true,
      };
      this.frames.set(key, frame);
      this.frameIds.set(frame, this.frames.size);
    }
    return frame;
  }

  /** `stack`: innermost first. `figures`: by metric; 0: it counts nothing there. `timeNs`: from the profile's start on. */
  sample(stack: readonly Frame[], thread: ImportedThread, timeNs: number, figures: readonly number[]): void {
    if (stack.length > MAX_DEPTH) throw new Unreadable('its stacks are too deep');
    this.steps += stack.length + 1;
    if (this.steps > MAX_STEPS) throw new Unreadable('it holds more stacks than can be read at once');
    const key = stack.map((frame) => this.frameIds.get(frame)).join();
    let stackId = this.stackIds.get(key);
    if (stackId === undefined) {
      stackId = BigInt(this.stackIds.size + 1);
      this.stackIds.set(key, stackId);
    }
    const record = { stackId, pid: thread.pid, generation: 0, kernel: [], user: [], exact: [], truncated: null };
    const slot = this.counts.addStack(record);
    if (slot)
      this.counts.resolved(
        slot,
        stack.map((frame) => [frame]),
      );
    if (!(timeNs >= 0 && timeNs < MAX_NS)) throw new Unreadable(TOO_FAR);
    this.lastNs = Math.max(this.lastNs, timeNs);
    for (const [i, value] of figures.entries()) {
      if (!(value > 0)) continue;
      if (value > 2 ** 53) throw new Unreadable('a figure in it is too great');
      this.counts.addSample({
        stackId,
        timeNs,
        pid: thread.pid,
        tid: thread.tid,
        cpu: 0,
        metric: this.metrics[i].id,
        value,
        label: null,
        threadName: thread.name,
      });
    }
  }

  /** `exporter`: the program that wrote the file, as far as it says. */
  finish(head: ImportedHead, exporter: string): RecordingFile {
    if (this.counts.samples === 0) throw new Unreadable('it holds no samples');
    const durationMs = head.durationMs ?? this.lastNs / 1e6;
    if (!(durationMs >= 0 && durationMs < MAX_NS / 1e6)) throw new Unreadable(TOO_FAR);
    const whole: RecordingHead = {
      tracerVersion: TRACER_VERSION,
      title: head.title,
      pid: head.pid ?? 0,
      command: head.command ?? '',
      cwd: head.cwd ?? null,
      startedAt: new Date(dateOrZero(head.startedAtMs)).toISOString(),
      durationMs,
      complete: true,
      stopReason: 'stopped',
      kernel: '',
      arch: head.arch ?? '',
      attach: [],
      children: true,
      lost: 0,
      firstSampleMs: null,
      health: {
        samples: this.counts.samples,
        lost: 0,
        truncated: {},
        ringFill: 0,
        helperCpuMs: 0,
        helperRssBytes: 0,
        bpfNs: null,
        badFiles: [],
      },
      errors: [],
      beganNs: 0,
      sections: { import: { exporter, remarks: head.remarks ?? [] } },
    };
    const text = [...speedscopeText(this.counts.snapshot(), whole)].join('');
    this.counts.release();
    const file = checked(text);
    // One call of ours may have brought many samples.
    for (const metric of file.ebpfTracer?.metrics ?? [])
      if (metric.period !== null) metric.samples = metric.wholeStacks = Math.round(metric.total);
    return { ...file, exporter };
  }
}

/** What was counted must be a recording that we read ourselves. */
function checked(text: string): RecordingFile {
  try {
    return parseSpeedscope(text).file;
  } catch (error) {
    throw error instanceof NotSpeedscope ? new Unreadable(error.message) : error;
  }
}

const lineOrNull = (line: number | null | undefined) =>
  typeof line === 'number' && Number.isSafeInteger(line) && line > 0 && line < 2 ** 31 ? line : null;

/** Greater ones are no dates for JavaScript, or in nanoseconds for 64 bits. */
function dateOrZero(ms: number | null | undefined): number {
  return typeof ms === 'number' && ms >= 0 && ms < 9e12 ? ms : 0;
}
