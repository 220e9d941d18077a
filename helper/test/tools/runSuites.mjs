// Runs the suites one after the other and closes with one line over all of them: `N passed, N failed, N skipped`.
// `node runSuites.mjs [SUITE…]` (none: all); a suite is a static check or a set of mocha files. A suite that crashes, hangs or
// runs nothing counts as a failure. Exit 0 only without failures.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ARTIFACTS = resolve('.artifacts');
const MINUTE_MS = 60_000;
const END_MS = 15_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** `needsRoot`: run through sudo where the caller is not root. `limitMs`: a hung suite ends there. */
const SUITES = [
  { name: 'lint', command: ['npx', 'biome', 'check', '.'], limitMs: 5 * MINUTE_MS },
  { name: 'types', command: ['npx', 'tsc', '-b'], limitMs: 10 * MINUTE_MS },
  { name: 'abi', command: ['make', 'check-abi'], limitMs: 5 * MINUTE_MS },
  { name: 'unit', folder: 'helper/test/unit', limitMs: 10 * MINUTE_MS },
  { name: 'golden', folder: 'helper/test/golden', limitMs: (process.env.MATRIX ? 120 : 20) * MINUTE_MS },
  { name: 'webview', folder: 'webview/test', limitMs: 10 * MINUTE_MS },
  { name: 'extension', folder: 'extension/test/unit', limitMs: 10 * MINUTE_MS },
  { name: 'root', folder: 'helper/test/root', needsRoot: true, limitMs: 40 * MINUTE_MS },
  { name: 'e2e', folder: 'extension/test/e2e', needsRoot: true, limitMs: 20 * MINUTE_MS },
];

const testFiles = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => join('out/js', folder, file.replace(/\.ts$/, '.js')));

function commandOf(suite, resultsFile) {
  if (suite.command) return suite.command;
  const mocha = [
    process.execPath,
    '--enable-source-maps',
    'node_modules/mocha/bin/mocha.js',
    ...['--reporter', './helper/test/tools/suiteReporter.mjs', '--timeout', '60000', '--forbid-only'],
    ...testFiles(suite.folder),
  ];
  const environment = [`EBPF_TRACER_TEST_RESULTS=${resultsFile}`, `PATH=${process.env.PATH}`];
  const asRoot = suite.needsRoot && process.getuid() !== 0;
  // As root itself, not as root who acts for a sudo user: the tests say so where they mean that.
  const nobodyElse = ['SUDO_UID', 'SUDO_GID', 'SUDO_USER', 'SUDO_COMMAND'].flatMap((name) => ['-u', name]);
  const supervised = [process.execPath, 'helper/test/tools/superviseSuite.mjs', ...mocha];
  return [...(asRoot ? ['sudo', '-E'] : []), 'env', ...nobodyElse, ...environment, ...supervised];
}

/** Runs `command` with our own output; resolves with its exit status, or a word that says how else it ended. */
function run(command, limitMs) {
  return new Promise((done) => {
    // A group of its own: Ctrl-C comes to us, and what the suite started ends with the end of its input.
    const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
    child.stdin.on('error', () => {});
    let how = null;
    let isOver = false;
    const end = (why) => {
      how = why;
      child.stdin.end();
      // A static check has no supervisor that sees that.
      setTimeout(() => {
        try {
          if (!isOver) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // Root's, behind sudo: its supervisor ends it.
        }
      }, END_MS);
    };
    const timer = setTimeout(() => end(`no end within ${limitMs / MINUTE_MS} minutes`), limitMs);
    const interrupted = () => end('interrupted');
    for (const signal of SIGNALS) process.on(signal, interrupted);
    child.on('error', (error) => done(error.message));
    child.on('exit', (code, signal) => {
      isOver = true;
      clearTimeout(timer);
      for (const s of SIGNALS) process.off(s, interrupted);
      if (how === 'interrupted') process.exit(130);
      done(how ?? code ?? `ended by ${signal}`);
    });
  });
}

async function runSuite(suite) {
  const results = join(ARTIFACTS, `results-${suite.name}.json`);
  rmSync(results, { force: true });
  if (suite.folder && (!existsSync(suite.folder) || testFiles(suite.folder).length === 0))
    return { passed: 0, failed: 1, skipped: [], failures: [`${suite.name}: there are no tests in ${suite.folder}`] };
  const status = await run(commandOf(suite, results), suite.limitMs);
  if (suite.command)
    return status === 0
      ? { passed: 1, failed: 0, skipped: [], failures: [] }
      : { passed: 0, failed: 1, skipped: [], failures: [`${suite.name}: ${status}`] };
  let report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: [], failures: [`${suite.name}: crashed before its end (${status})`] };
  }
  const { passed, failures, skipped } = report;
  if (failures.length === 0 && status !== 0) failures.push(`${suite.name}: ended with ${status}`);
  if (passed + failures.length + skipped.length === 0) failures.push(`${suite.name}: ran nothing`);
  return { passed, failed: failures.length, skipped, failures };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`There is no suite ${unknown.join(', ')}: ${SUITES.map((suite) => suite.name).join(' ')}`);
  process.exit(2);
}
mkdirSync(ARTIFACTS, { recursive: true });
const rows = [];
for (const suite of SUITES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n==== ${suite.name}`);
  const startedMs = Date.now();
  const result = await runSuite(suite);
  rows.push({ name: suite.name, seconds: (Date.now() - startedMs) / 1000, ...result });
}

console.log('\n==== all suites');
for (const { name, passed, failed, skipped, seconds } of rows)
  console.log(
    `${name.padEnd(10)} ${passed} passed, ${failed} failed, ${skipped.length} skipped (${seconds.toFixed(0)} s)`,
  );
for (const { name, skipped } of rows)
  for (const { title, reason } of skipped) console.log(`skipped ${name}: ${title}: ${reason}`);
for (const { failures } of rows) for (const failure of failures) console.log(`FAILED ${failure}`);
const sum = (count) => rows.reduce((total, row) => total + count(row), 0);
const failed = sum((row) => row.failed);
const line = `${sum((row) => row.passed)} passed, ${failed} failed, ${sum((row) => row.skipped.length)} skipped`;
writeFileSync(join(ARTIFACTS, 'summary.txt'), `${line}\n`);
console.log(line);
process.exitCode = failed === 0 ? 0 : 1;
