// mocha's "spec" output, and beside it what runSuites.mjs needs: a JSON file (named by EBPF_TRACER_TEST_RESULTS) of what
// passed, failed and was skipped. A skip's reason is the line `skipped: REASON` that the test printed last before it called
// this.skip(); a skip without one is a failure, and so is a run whose timers, sockets, child processes or threads outlive it.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import { whenHandlesStay } from './leftHandles.mjs';

const {
  EVENT_SUITE_BEGIN,
  EVENT_TEST_FAIL,
  EVENT_TEST_PASS,
  EVENT_TEST_PENDING,
  EVENT_TEST_BEGIN,
  EVENT_HOOK_BEGIN,
  EVENT_HOOK_END,
  EVENT_RUN_END,
} = Mocha.Runner.constants;

export default class SuiteReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const results = { passed: 0, failures: [], skipped: [] };
    let printed = null;
    // Of a suite skipped as a whole only its hook says why; the suites inside it are skipped with it.
    const reasons = new Map();
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk, ...rest) => {
      printed = /^\s*skipped: (.*\S)\s*$/.exec(String(chunk).trimEnd().split('\n').at(-1))?.[1] ?? printed;
      return write(chunk, ...rest);
    };
    const forget = () => {
      printed = null;
    };
    const fail = (text) => {
      results.failures.push(text);
      write(`\n  FAILED ${text}\n`);
    };
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      reasons.set(suite, reasons.get(suite.parent) ?? null);
      forget();
    });
    runner.on(EVENT_HOOK_BEGIN, forget);
    runner.on(EVENT_HOOK_END, (hook) => {
      if (hook.pending && printed !== null) reasons.set(hook.parent, printed);
    });
    runner.on(EVENT_TEST_BEGIN, forget);
    runner.on(EVENT_TEST_PENDING, (test) => {
      const reason = printed ?? reasons.get(test.parent) ?? null;
      if (reason === null)
        fail(`${test.fullTitle()}: skipped without a reason (print "skipped: REASON" before this.skip())`);
      else results.skipped.push({ title: test.fullTitle(), reason });
      forget();
    });
    runner.on(EVENT_TEST_PASS, () => {
      results.passed++;
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      results.failures.push(`${test.fullTitle()}: ${String(error?.message ?? error).split('\n')[0]}`);
      // A VM that runs out of time does not get to Spec's account of the failures.
      if (process.env.VMRUN) console.log(`      ${error?.stack ?? error}`);
    });
    const file = process.env.EBPF_TRACER_TEST_RESULTS;
    const keep = () => {
      if (file) writeFileSync(file, JSON.stringify(results));
    };
    runner.on(EVENT_RUN_END, () => {
      keep();
      whenHandlesStay((left) => {
        fail(`after the last test something still runs (HANDLES=1 says where it was made): ${left}`);
        keep();
        // mocha's own listener counts tests alone.
        process.on('exit', () => {
          process.exitCode = 1;
        });
        process.exit();
      });
    });
  }
}
