// `ebpf-tracer export`: a recording in another format, into a file or to stdout.

import { resolve } from 'node:path';
import { convert, type Format, looksLike, parseFormat } from '../export/formats';
import { checkOutput, writeAtomically } from '../export/outputFile';
import { readRecording } from '../export/readRecording';
import { EXIT, tracerError } from '../protocol';
import { messages, output as terminal } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';

export async function exportCommand(args: ParsedArguments): Promise<number> {
  const format = parseFormat(args.options.get('format')?.[0] ?? 'speedscope');
  const input = resolve(args.operands[0]);
  const outputText = args.options.get('output')?.[0] ?? '-';
  if (outputText === '-' && format === 'pprof' && terminal.isTTY)
    throw tracerError(
      'USAGE',
      'pprof is no text for a terminal: name a file with --output, or pass it on through a pipe.',
    );
  const warn = (text: string) => void messages.lines([text]);
  const pieces = await convert(await readRecording(input, warn), format);
  if (outputText === '-') {
    for (const piece of pieces) await print(piece, format);
    return EXIT.done;
  }
  const output = resolve(outputText);
  await checkOutput(output, looksLike(format));
  const sizeBytes = await writeAtomically(output, pieces);
  await (args.options.has('json') ? terminal.json({ output, format, sizeBytes }) : terminal.lines([output]));
  return EXIT.done;
}

function print(piece: string | Uint8Array, format: Format): Promise<void> {
  if (typeof piece !== 'string') return terminal.bytes(piece);
  return format === 'folded' ? terminal.lines(piece.trimEnd().split('\n')) : terminal.jsonPart(piece);
}
