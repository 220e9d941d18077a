// What the tests inside the extension host share: the activated extension, waiting without sleeping, a helper that
// behaves as asked.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { EXTENSION_ID } from '../../src/contributions';
import type { TestHooks } from '../../src/extension';
import type { FakeBehaviour } from '../fakes/fakeHelper';

export async function activated(): Promise<TestHooks> {
  const extension = vscode.extensions.getExtension<TestHooks>(EXTENSION_ID);
  if (!extension) throw new Error(`${EXTENSION_ID} is not installed`);
  return extension.activate();
}

/** Ends the helper of before; the next one behaves like this. */
export async function useHelper(behaviour: FakeBehaviour): Promise<void> {
  const { tracer } = await activated();
  const host = await tracer.host();
  const client = await host.existing();
  if (client) {
    await client.request('shutdown', {}).catch(() => undefined);
    await client.closed;
    await eventually('the old helper is forgotten', async () => (await host.existing()) === null);
  }
  process.env.FAKE_HELPER = JSON.stringify(behaviour);
}

/** Polls until `probe` gives something. */
export async function eventually<T>(
  what: string,
  probe: () => T | PromiseLike<T>,
  timeoutMs = 30_000,
): Promise<Exclude<T, null | undefined | false>> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value as Exclude<T, null | undefined | false>;
    if (Date.now() > deadlineMs) throw new Error(`Waited in vain (${timeoutMs} ms): ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A C file of 40 lines, to which makeRecording's lines point. */
export function makeSource(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'ebpf-tracer-suite-')), 'fake.c');
  writeFileSync(path, Array.from({ length: 40 }, (_, i) => `  line_${i + 1}();`).join('\n'));
  return path;
}

/** Tabs that show a recording of this path. */
export function recordingTabs(path: string): vscode.Tab[] {
  return vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter((tab) => tab.input instanceof vscode.TabInputCustom && tab.input.uri.fsPath === path);
}

export async function lensTitles(uri: vscode.Uri): Promise<string[]> {
  await vscode.workspace.openTextDocument(uri);
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
  return lenses
    .map((lens) => lens.command?.title ?? '')
    .filter((title) => title.includes('samples'))
    .map((title) => title.replaceAll('\u202f', ' '));
}
