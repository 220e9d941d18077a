// `ebpf-tracer report`: what a recording says, in 40 lines or as one JSON object; or its hottest code with the source.

import { resolve } from 'node:path';
import { extraOf, metricIndex } from '../figures/figures';
import { hotCodeText } from '../figures/hotCode';
import { redacted, redactionsOf } from '../figures/redact';
import { reportOf } from '../figures/report';
import { reportText } from '../figures/reportText';
import { readAnyRecording } from '../import';
import { EXIT, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';

export async function reportCommand({ options, operands }: ParsedArguments): Promise<number> {
  const format = options.get('format')?.[0] ?? (options.has('json') ? 'json' : 'markdown');
  if (format !== 'markdown' && format !== 'json') throw tracerError('REPORT_FORMAT_INVALID', format);
  const folders = (options.get('sources') ?? []).map((folder) => resolve(folder));
  const redactions = redactionsOf(options.get('redact')?.[0] ?? 'none');
  const whole = await readAnyRecording(resolve(operands[0]), (text) => void messages.lines([text]));
  const { file, originalOf } = redacted(whole, redactions, folders);
  const metric = metricIndex(file, options.get('metric')?.[0]);
  const home = folders[0] ?? extraOf(file).cwd ?? process.cwd();
  if (format === 'json') await output.json(reportOf(file, metric));
  else if (folders.length > 0) await output.lines(await hotCodeText(file, { metric, folders, originalOf }));
  else await output.lines(reportText(reportOf(file, metric), home));
  return EXIT.done;
}
