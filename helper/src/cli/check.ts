// `ebpf-tracer check`: what works on this machine and what to do about what does not. `make check-system`
// runs it before a first build.

import { type CheckItem, type CheckReport, EXIT } from '../protocol';
import { output } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';

const MARKS: Record<CheckItem['status'], string> = {
  ok: 'ok      ',
  degraded: 'degraded',
  missing: 'missing ',
  unknown: 'unknown ',
};

/** Exit code 1 where something is missing that recording needs. */
export async function check(args: ParsedArguments): Promise<number> {
  const { checkMachine } = await import('../doctor/check');
  const report = await checkMachine();
  await (args.options.has('json') ? output.json(report) : output.lines(checkText(report)));
  return report.items.some(({ status }) => status === 'missing') ? EXIT.failed : EXIT.done;
}

export function checkText({ kernel, arch, items, attach }: CheckReport): string[] {
  const lines = [`Kernel ${kernel}, ${arch}`, ''];
  for (const { title, status, detail, fix } of items) {
    lines.push(`${MARKS[status]}  ${title}${detail === '' ? '' : `: ${detail}`}`);
    if (fix !== null && status !== 'ok') lines.push(`          -> ${fix}`);
  }
  if (attach.length > 0) lines.push('', 'What a recording would use:');
  for (const { what, taken, refused } of attach) {
    lines.push(`  ${what}: ${taken ?? 'nothing'}`);
    for (const { rung, why } of refused) lines.push(`    not ${rung}: ${why}`);
  }
  return lines;
}
