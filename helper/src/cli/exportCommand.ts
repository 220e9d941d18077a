// `ebpf-tracer export`: a recording in another format, into a file or to stdout. Called by main.ts.

import { resolve } from 'node:path';
import { convert, looksLike, parseFormat } from '../export/formats';
import { checkOutput, writeAtomically } from '../export/outputFile';
import { readRecording } from '../export/readRecording';
import { EXIT } from '../protocol';
import type { ParsedArguments } from './arguments';

export async function exportCommand(args: ParsedArguments): Promise<number> {
  const format = parseFormat(args.options.get('format')?.[0] ?? 'speedscope');
  const input = resolve(args.operands[0]);
  const outputText = args.options.get('output')?.[0] ?? '-';
  const warn = (text: string) => void process.stderr.write(`${text}\n`);
  const pieces = await convert(await readRecording(input, warn), format);
  if (outputText === '-') {
    for (const piece of pieces)
      if (!process.stdout.write(piece)) await new Promise((drained) => process.stdout.once('drain', drained));
    return EXIT.done;
  }
  const output = resolve(outputText);
  await checkOutput(output, looksLike(format));
  const sizeBytes = await writeAtomically(output, pieces);
  const result = args.options.has('json') ? JSON.stringify({ output, format, sizeBytes }) : output;
  process.stdout.write(`${result}\n`);
  return EXIT.done;
}
