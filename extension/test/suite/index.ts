// Entry point for VS Code's extension tests (--extensionTestsPath): runs the *.test.js of this folder by mocha inside the
// real extension host, with the fake helper in place of the real one. Started by extension/test/e2e/extensionHost.test.ts
// and by the launch configuration "Test Extension".

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export async function run(): Promise<void> {
  // Read by extension.ts when it is activated, which no test has asked for yet.
  process.env.EBPF_TRACER_TEST_HELPER = resolve(__dirname, '../fakes/fakeHelper.js');
  process.env.EBPF_TRACER_TEST_CLI = resolve(__dirname, '../fakes/fakeCli.js');
  // An ES module.
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ ui: 'bdd', timeout: 40_000, color: false });
  for (const name of readdirSync(__dirname)) if (name.endsWith('.test.js')) mocha.addFile(join(__dirname, name));
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
