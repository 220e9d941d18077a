// mocha's "spec" output, and beside it what runSuites.mjs needs: a JSON file (named by EBPF_TRACER_TEST_RESULTS) of what
// passed, failed and was skipped. A skip's reason is what the test printed last before it called this.skip().
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const {
  EVENT_SUITE_BEGIN,
  EVENT_TEST_FAIL,
  EVENT_TEST_PASS,
  EVENT_TEST_PENDING,
  EVENT_TEST_BEGIN,
  EVENT_HOOK_BEGIN,
  EVENT_RUN_END,
} = Mocha.Runner.constants;

export default class SuiteReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const results = { passed: 0, failures: [], skipped: [] };
    let lastLine = null;
    let lastReason = null;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      stream.write = (chunk, ...rest) => {
        const line = String(chunk).trim().split('\n').at(-1).trim();
        if (line) lastLine = line;
        return write(chunk, ...rest);
      };
    }
    const forget = () => {
      lastLine = null;
    };
    runner.on(EVENT_SUITE_BEGIN, () => {
      lastReason = null;
      forget();
    });
    runner.on(EVENT_HOOK_BEGIN, forget);
    runner.on(EVENT_TEST_BEGIN, forget);
    // Before Spec prints the skipped test's title. Of a suite skipped as a whole only the first test is told why.
    runner.prependListener(EVENT_TEST_PENDING, (test) => {
      lastReason = lastLine ?? lastReason;
      results.skipped.push({ title: test.fullTitle(), reason: lastReason });
    });
    runner.on(EVENT_TEST_PENDING, forget);
    runner.on(EVENT_TEST_PASS, () => {
      results.passed++;
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      results.failures.push(`${test.fullTitle()}: ${String(error?.message ?? error).split('\n')[0]}`);
      // A VM that runs out of time does not get to Spec's account of the failures.
      if (process.env.VMRUN) console.log(`      ${error?.stack ?? error}`);
    });
    const file = process.env.EBPF_TRACER_TEST_RESULTS;
    runner.on(EVENT_RUN_END, () => {
      if (file) writeFileSync(file, JSON.stringify(results));
    });
  }
}
