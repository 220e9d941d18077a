// Stands in for dist/cli.js: `list`, `check`, `export`, `import`, `report` and `compare`, as far as the extension calls them.

import { copyFileSync, writeFileSync } from 'node:fs';
import type { CheckReport } from '../../../helper/src/protocol';
import { makeRecording } from './makeRecording';
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
  case 'report':
  case 'compare': {
    const output = rest.indexOf('--output');
    if (output >= 0) copyFileSync(rest[1], rest[output + 1]);
    console.log(`${verb} ${rest.join(' ')}`);
    break;
  }
  case 'import':
    console.log(JSON.stringify(makeRecording({ file: rest[0], title: 'imported' })));
    break;
  case 'export':
    writeFileSync(rest[rest.indexOf('--output') + 1], `exported as ${rest[rest.indexOf('--format') + 1]}\n`);
    break;
  default:
    process.exit(2);
}
