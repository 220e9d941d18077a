// Files that other profilers really write, made here by them: perf script, Go's runtime/pprof, py-spy. What they say of programs of known
// shares is what the recording made of them says.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../src/figures/report';
import { cli, jsonOf, workload } from './cli';

const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;

const GO = `package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func hot(n int) (x int) {
	for i := 0; i < n; i++ {
		x = (x*31 + i) % 1000003
	}
	return
}

func main() {
	file, _ := os.Create(os.Args[1])
	pprof.StartCPUProfile(file)
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		hot(300000)
	}
	pprof.StopCPUProfile()
	file.Close()
}
`;
const PYTHON = `import time
def hot(n):
    x = 0
    for i in range(n): x = (x * 31 + i) % 1000003
    return x
end = time.time() + 2
while time.time() < end:
    hot(100000)
`;

describe('files of other profilers', function () {
  this.timeout(180_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-tools-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function skip(test: Mocha.Context, why: string): void {
    console.log(`      skipped: ${why}`);
    test.skip();
  }

  const reportOf = async (file: string) => jsonOf<Report>(await cli(['report', file, '--format', 'json']));
  const share = ({ functions }: Report, name: RegExp) => functions.find((one) => name.test(one.name))?.self.share ?? 0;

  const totalOf = ({ functions }: Report, name: RegExp) =>
    functions.find((one) => name.test(one.name))?.total.share ?? 0;

  it('perf script: shares and source lines', async function () {
    if (!has('perf', 'record', '-q', '-e', 'cpu-clock', '-o', join(folder, 'try.data'), 'true'))
      return skip(this, 'perf cannot record here');
    const data = join(folder, 'perf.data');
    execFileSync(
      'perf',
      ['record', '-q', '-e', 'cpu-clock', '-F', '997', '-g', '-o', data, '--', workload('hot-c'), '1'],
      {
        stdio: 'ignore',
      },
    );
    const text = execFileSync('perf', ['script', '-i', data, '-F', '+srcline'], {
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    writeFileSync(join(folder, 'perf.txt'), text);
    const report = await reportOf(join(folder, 'perf.txt'));
    assert.equal(report.metric.id, 'cpu');
    assert.ok(report.total > 50, `${report.total} samples`);
    for (const [name, wanted] of [
      [/^work_sixty$/, 0.6],
      [/^work_thirty$/, 0.3],
    ] as const)
      assert.ok(Math.abs(share(report, name) - wanted) < 0.12, `${name}: ${share(report, name)}`);
    assert.match(report.lines[0].file, /hot\.c$/);
    assert.equal(report.lines[0].function, 'work_sixty');
  });

  it("Go's runtime/pprof: samples with their period, functions with lines", async function () {
    if (!has('go', 'version')) return skip(this, 'there is no go');
    writeFileSync(join(folder, 'main.go'), GO);
    execFileSync('go', ['build', '-o', 'gohot', 'main.go'], {
      cwd: folder,
      env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '' },
    });
    const profile = join(folder, 'cpu.pprof');
    execFileSync(join(folder, 'gohot'), [profile]);
    const report = await reportOf(profile);
    assert.deepEqual(report.metric, { id: 'cpu', unit: 'nanoseconds', period: 1e7 });
    assert.ok(report.total > 10 && totalOf(report, /^main\.hot$/) > 0.8, JSON.stringify(report.functions));
    assert.ok(report.lines.some(({ line, file }) => (line === 10 || line === 11) && file.endsWith('main.go')));
  });

  it('py-spy: speedscope and folded stacks', async function () {
    const spy = join(folder, 'venv/bin/py-spy');
    if (!process.env.MATRIX) return skip(this, 'fetches py-spy: MATRIX=1');
    const pip = join(folder, 'venv/bin/pip');
    if (
      !has('python3', '-m', 'venv', join(folder, 'venv')) ||
      !has(pip, 'install', '-q', '--disable-pip-version-check', 'py-spy==0.4.1')
    )
      return skip(this, 'py-spy cannot be installed');
    assert.ok(existsSync(spy));
    writeFileSync(join(folder, 'hot.py'), PYTHON);
    for (const format of ['speedscope', 'raw']) {
      const output = join(folder, `spy.${format === 'raw' ? 'folded' : 'json'}`);
      execFileSync(
        spy,
        ['record', '-d', '1', '-r', '200', '-f', format, '-o', output, '--', 'python3', join(folder, 'hot.py')],
        {
          stdio: 'ignore',
        },
      );
      const report = await reportOf(output);
      assert.ok(share(report, /^hot$/) > 0.5, `${format}: ${JSON.stringify(report.functions)}`);
      const [line] = report.lines;
      assert.ok(line.file.endsWith('hot.py') && line.line === 4, `${format}: ${line.file}:${line.line}`);
    }
  });
});
