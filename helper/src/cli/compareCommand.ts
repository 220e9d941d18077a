// `ebpf-tracer compare`: what changed between two programs, or two builds of one, and an exit code for scripts.

import { resolve } from 'node:path';
import { changesRecording } from '../compare/changesRecording';
import { type Comparison, compareRecordings, type FunctionChange, functionsAbove } from '../compare/compare';
import { compareText } from '../compare/compareText';
import { NORMALIZATIONS, type Normalization } from '../compare/side';
import { convert } from '../export/formats';
import { checkOutput, writeAtomically } from '../export/outputFile';
import { extraOf } from '../figures/figures';
import { redacted, redactionsOf } from '../figures/redact';
import { readAnyRecording } from '../import';
import { EXIT, type RecordingFile, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';

export async function compareCommand({ operands, tail, options }: ParsedArguments): Promise<number> {
  const value = (name: string) => options.get(name)?.[0];
  const [pathsA, pathsB] = sides(operands, tail);
  const by = normalization(value('by'));
  const failAbove = value('fail-above');
  const threshold = failAbove === undefined ? null : parsePercent(failAbove);
  const names = options.get('function') ?? [];
  if (threshold === null && names.length > 0)
    throw tracerError('USAGE', '--function names what --fail-above asks about: give that, too.');
  const read = (paths: string[]) =>
    paths.reduce<Promise<RecordingFile[]>>(
      async (before, path) => [
        ...(await before),
        await readAnyRecording(resolve(path), (text) => void messages.lines([text])),
      ],
      Promise.resolve([]),
    );
  const redactions = redactionsOf(value('redact') ?? 'none');
  const [a, b] = [await read(pathsA), await read(pathsB)].map((files) =>
    files.map((file) => redacted(file, redactions, [process.cwd()]).file),
  );
  const comparison = compareRecordings(a, b, { metric: value('metric'), ...(by ? { by } : {}) });
  const target = value('output');
  if (target !== undefined) await write(changesRecording(comparison, b), resolve(target));
  const above = threshold === null ? [] : functionsAbove(comparison, threshold, names);
  if (options.has('json'))
    await output.json({ ...comparison, ...(threshold === null ? {} : { failAbove: threshold, above }) });
  else {
    await output.lines(compareText(comparison, extraOf(b[0]).cwd ?? process.cwd()));
    if (threshold !== null) await output.lines(aboveText(above, threshold, comparison));
  }
  return above.length > 0 ? EXIT.slower : EXIT.done;
}

async function write(file: RecordingFile, output: string): Promise<void> {
  await checkOutput(output);
  await writeAtomically(output, await convert(file, 'speedscope'));
}

/** `A B`, or `A… -- B…`. */
function sides(operands: string[], tail: string[] | null): [string[], string[]] {
  if (tail === null) {
    if (operands.length !== 2)
      throw tracerError(
        'USAGE',
        '"compare" needs two recordings, or several on each side with "--" between them: A1 A2 -- B1 B2.',
      );
    return [[operands[0]], [operands[1]]];
  }
  if (operands.length === 0 || tail.length === 0)
    throw tracerError('USAGE', '"compare" needs recordings on both sides of "--": A1 A2 -- B1 B2.');
  return [operands, tail];
}

function normalization(text: string | undefined): Normalization | null {
  if (text === undefined) return null;
  const known = NORMALIZATIONS.find((one) => one === text);
  if (!known) throw tracerError('NORMALIZATION_INVALID', text, 'there is no such way.');
  return known;
}

/** 0.05 of `5%` or `5`. Throws PERCENT_INVALID. */
function parsePercent(text: string): number {
  const match = /^(\d{1,6}(?:\.\d+)?)\s*%?$/.exec(text.trim());
  if (!match) throw tracerError('PERCENT_INVALID', text);
  return Number(match[1]) / 100;
}

function aboveText(above: readonly FunctionChange[], threshold: number, { by }: Comparison): string[] {
  const limit = `${(100 * threshold).toFixed(1).replace(/\.0$/, '')} %`;
  if (above.length === 0) return [`No function lies above +${limit} as a whole.`];
  const list = above.map(
    ({ name, total }) =>
      `  ${name}: at least ${total.change.low === Number.POSITIVE_INFINITY ? '∞' : `+${(100 * total.change.low).toFixed(1)} %`}`,
  );
  return [`Above +${limit} with their whole interval (by ${by}):`, ...list];
}
