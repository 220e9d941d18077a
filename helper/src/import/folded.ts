// Folded stacks -> a recording: lines `outermost;…;innermost number`, as stackcollapse scripts, py-spy (--format raw), async-profiler,
// bpftrace pipelines and our own export write them. The number is taken for samples: so these tools count. Suffixes say what a frame is
// (flamegraph.pl's annotations: _[k] kernel, _[i] inlined, _[j] jit); a place in brackets at its end is the executed line (py-spy).

import { basename } from 'node:path';
import { INLINED_SUFFIX } from '../protocol';
import type { Frame } from '../runtimes/frame';
import type { Reader } from './reader';
import { type ImportedFrame, MAX_DEPTH, RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

const COUNT = /^\d{1,15}(?:\.\d{1,9})?$/;
const MAX_LINE_CHARS = 4_000_000;
/** Lines that are looked at to know the format: all of them must be stacks. */
const LOOKED_AT = 20;

export const FOLDED: Reader = {
  id: 'folded',
  title: 'folded stacks',
  recognizes: ({ path }, start) => {
    if (/\.(?:folded|collapsed)$/.test(path)) return true;
    const lines = start
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.trim() !== '')
      .slice(0, LOOKED_AT);
    return lines.length > 0 && lines.every((line) => splitLine(line)) && lines.some((line) => line.includes(';'));
  },
  read: (file) => {
    const builder = new RecordingBuilder([{ id: 'samples', unit: 'count', period: 1 }]);
    const thread = { pid: 0, tid: 1, name: 'all' };
    let odd = 0;
    for (const line of linesOf(file.text())) {
      const split = splitLine(line);
      if (!split) {
        if (line.trim() !== '' && !line.startsWith('#')) odd++;
        continue;
      }
      const { stack, count } = split;
      const names = stack.split(';', MAX_DEPTH + 2);
      const frames: Frame[] = names.filter((name) => name !== '').map((name) => builder.frame(frameOf(name)));
      if (frames.length > 0 && count > 0) builder.sample(frames.reverse(), thread, 0, [count]);
    }
    const remarks = odd > 0 ? [`${odd} lines in it are no stacks and were left out.`] : [];
    return builder.finish({ title: basename(file.path), durationMs: 0, remarks }, 'folded stacks');
  },
};

/** What follows the last blank is the number. No regular expression over the whole line: lines are long, and others' */
function splitLine(line: string): { stack: string; count: number } | null {
  const trimmed = line.trimEnd();
  const blank = Math.max(trimmed.lastIndexOf(' '), trimmed.lastIndexOf('\t'));
  const count = trimmed.slice(blank + 1);
  if (blank <= 0 || count.length > 30 || !COUNT.test(count)) return null;
  return { stack: trimmed.slice(0, blank).trim(), count: Math.round(Number(count)) };
}

export function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    if (end - from > MAX_LINE_CHARS) throw new Unreadable('a line in it is too long');
    yield text.slice(from, end).replace(/\r$/, '');
    from = end + 1;
  }
}

/** `name (file:line)`; null: it has no place. */
function splitPlace(text: string): { name: string; file: string; line: number } | null {
  const open = text.lastIndexOf(' (');
  const colon = text.lastIndexOf(':');
  if (open <= 0 || colon < open || !text.endsWith(')')) return null;
  const line = text.slice(colon + 1, -1);
  if (!/^\d{1,9}$/.test(line)) return null;
  return { name: text.slice(0, open), file: text.slice(open + 2, colon), line: Number(line) };
}

function frameOf(text: string): ImportedFrame {
  const kernel = text.endsWith('_[k]');
  const jit = text.endsWith('_[j]');
  const inlined = text.endsWith('_[i]') || text.endsWith(INLINED_SUFFIX);
  const bare = text.replace(/_\[[kji]\]$/, '');
  const name = bare.endsWith(INLINED_SUFFIX) ? bare.slice(0, -INLINED_SUFFIX.length) : bare;
  const kind = kernel ? 'kernel' : jit ? 'jit' : 'native';
  const place = splitPlace(name);
  const known = { kind, inlined, module: kernel ? '[kernel]' : '' } as const;
  if (!place) return { name, ...known };
  return { ...known, ...place, kind: jit ? 'jit' : 'interpreted' };
}
