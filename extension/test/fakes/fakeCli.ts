// Stands in for dist/cli.js: `list`, `check` and `export`, as far as the extension calls them.

import { writeFileSync } from 'node:fs';
import type { CheckReport } from '../../../helper/src/protocol';
import { listFakeProcesses } from './processes';

const [verb, ...rest] = process.argv.slice(2);
switch (verb) {
  case 'list':
    console.log(JSON.stringify(listFakeProcesses()));
    break;
  case 'check': {
    const report: CheckReport = {
      kernel: '6.18.0-fake',
      arch: process.arch,
      items: [
        { id: 'btf', title: 'Type information (BTF)', status: 'ok', detail: 'found', fix: null },
        { id: 'caps', title: 'Rights', status: 'missing', detail: 'not root', fix: 'Run "sudo -v".' },
      ],
      attach: [{ what: 'sampling', taken: 'perf_event cpu-clock', refused: [{ rung: 'cycles', why: 'no PMU' }] }],
    };
    console.log(JSON.stringify(report));
    break;
  }
  case 'export':
    writeFileSync(rest[rest.indexOf('--output') + 1], `exported as ${rest[rest.indexOf('--format') + 1]}\n`);
    break;
  default:
    process.exit(2);
}
