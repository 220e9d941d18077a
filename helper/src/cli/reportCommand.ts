// `ebpf-tracer report`: what a recording says, in 40 lines or as one JSON object.

import { resolve } from 'node:path';
import { extraOf, metricIndex } from '../figures/figures';
import { reportOf } from '../figures/report';
import { reportText } from '../figures/reportText';
import { readAnyRecording } from '../import';
import { EXIT, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';

export async function reportCommand(args: ParsedArguments): Promise<number> {
  const format = args.options.get('format')?.[0] ?? (args.options.has('json') ? 'json' : 'markdown');
  if (format !== 'markdown' && format !== 'json') throw tracerError('REPORT_FORMAT_INVALID', format);
  const file = await readAnyRecording(resolve(args.operands[0]), (text) => void messages.lines([text]));
  const report = reportOf(file, metricIndex(file, args.options.get('metric')?.[0]));
  if (format === 'json') await output.json(report);
  else await output.lines(reportText(report, extraOf(file).cwd ?? process.cwd()));
  return EXIT.done;
}
