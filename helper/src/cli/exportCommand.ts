// `ebpf-tracer export`: a recording, or several of one program, or a stretch of its time, in another format, into a file or to stdout.
// `ebpf-tracer import`: a file of another profiler as a recording.

import { basename, resolve } from 'node:path';
import { convert, type Format, isBinary, looksLike, parseFormat } from '../export/formats';
import { checkOutput, isOurRecording, writeAtomically } from '../export/outputFile';
import { readAnyRecording } from '../import';
import { mergeRecordings } from '../import/merge';
import { cutRecording, EXIT, hasTimes, type RecordingFile, tracerError } from '../protocol';
import { messages, output as terminal } from '../terminal/terminal';
import { type ParsedArguments, parseTime } from './arguments';

const warn = (text: string) => void messages.lines([text]);

export async function exportCommand(args: ParsedArguments): Promise<number> {
  const format = parseFormat(args.options.get('format')?.[0] ?? 'speedscope');
  const outputText = args.options.get('output')?.[0] ?? '-';
  if (outputText === '-' && isBinary(format) && terminal.isTTY)
    throw tracerError(
      'USAGE',
      `${format} is no text for a terminal: name a file with --output, or pass it on through a pipe.`,
    );
  const files: RecordingFile[] = [];
  for (const path of args.operands) files.push(await readAnyRecording(resolve(path), warn));
  const recording = stretch(mergeRecordings(files), args);
  return write(recording, format, outputText, args.options.has('json'));
}

/** Only the recorded time that --from and --to name. */
function stretch(file: RecordingFile, { options, operands }: ParsedArguments): RecordingFile {
  const [from, to] = ['from', 'to'].map((name) => options.get(name)?.[0]);
  if (from === undefined && to === undefined) return file;
  const durationMs = file.ebpfTracer?.durationMs ?? 0;
  const range = {
    fromMs: from === undefined ? 0 : parseTime(from),
    toMs: to === undefined ? durationMs : parseTime(to),
  };
  if (!(range.fromMs < range.toMs && range.fromMs < durationMs))
    throw tracerError('RANGE_INVALID', from ?? '0s', to ?? 'its end', `${(durationMs / 1000).toFixed(1)} s`);
  if (!hasTimes(file)) throw tracerError('RANGE_WITHOUT_TIMES', operands[0]);
  return cutRecording(file, range);
}

export async function importCommand(args: ParsedArguments): Promise<number> {
  const [path] = args.operands;
  const file = await readAnyRecording(resolve(path), warn);
  const name = `${basename(path).replace(/\.gz$/, '')}.speedscope.json`;
  return write(file, 'speedscope', args.options.get('output')?.[0] ?? name, args.options.has('json'));
}

async function write(file: RecordingFile, format: Format, outputText: string, json: boolean): Promise<number> {
  const pieces = await convert(file, format);
  if (outputText === '-') {
    for (const piece of pieces) await print(piece, format);
    return EXIT.done;
  }
  const output = resolve(outputText);
  // A recording that was made of another's file may be made anew; it begins as ours do.
  await checkOutput(output, (start) => looksLike(format)(start) || isOurRecording(start));
  const sizeBytes = await writeAtomically(output, pieces);
  await (json ? terminal.json({ output, format, sizeBytes }) : terminal.lines([output]));
  return EXIT.done;
}

function print(piece: string | Uint8Array, format: Format): Promise<void> {
  if (typeof piece !== 'string') return terminal.bytes(piece);
  return format === 'folded' ? terminal.lines(piece.trimEnd().split('\n')) : terminal.jsonPart(piece);
}
