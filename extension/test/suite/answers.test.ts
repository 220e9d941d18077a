import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { Command, FOREIGN_EDITOR, LanguageModelTool, SETTING_SECTION, Setting } from '../../src/contributions';
import { makeRecording } from '../fakes/makeRecording';
import { activated, eventually, makeSource, recordingTabs } from './host';

const source = makeSource();
const stored = async () => (await activated()).tracer.recordings.list();

async function store(title: string): Promise<string> {
  const { recordings } = (await activated()).tracer;
  const path = recordings.newPath(title);
  writeFileSync(path, JSON.stringify(makeRecording({ file: source, title })));
  await recordings.remember(path, { title, samples: 100, durationMs: 1000, complete: true });
  return path;
}

async function ask(tool: string, input: object): Promise<string> {
  const { token } = new vscode.CancellationTokenSource();
  const { content } = await vscode.lm.invokeTool(tool, { input, toolInvocationToken: undefined }, token);
  return content.map((part) => (part as vscode.LanguageModelTextPart).value).join('');
}

describe('answers from recordings', () => {
  after(() => rmSync(dirname(source), { recursive: true, force: true }));
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const { recordings } = (await activated()).tracer;
    for (const { path } of await recordings.list()) await recordings.delete(path);
  });

  it('are given to language models, redacted as set, the newest recording where none is named', async () => {
    const path = await store('orders');
    const names = vscode.lm.tools.map(({ name }) => name);
    for (const name of Object.values(LanguageModelTool)) assert.ok(names.includes(name), `${name} of ${names}`);
    assert.equal((await ask(LanguageModelTool.report, {})).trim(), `report ${path} --redact arguments`);
    assert.match(
      await ask(LanguageModelTool.hotCode, { recording: 'orders' }),
      /^report \S+ .*--sources \S+.* --redact arguments/,
    );
    const settings = vscode.workspace.getConfiguration(SETTING_SECTION);
    await settings.update(Setting.assistantsRedact, ['arguments', 'paths'], vscode.ConfigurationTarget.Global);
    try {
      const other = await store('orders2');
      const compared = await ask(LanguageModelTool.compare, { before: path, after: other });
      assert.equal(compared.trim(), `compare ${path} ${other} --redact arguments,paths`);
    } finally {
      await settings.update(Setting.assistantsRedact, undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('compare two recordings that are selected: the older first, as a recording that opens', async () => {
    await store('old');
    await store('new');
    const [a, b] = await stored();
    await vscode.commands.executeCommand(Command.recordingsCompare, a, [a, b]);
    const made = await eventually('it is in the view', async () =>
      (await stored()).find(({ facts }) => facts?.title.includes(' → ')),
    );
    assert.equal(recordingTabs(made.path).length, 1);
  });

  it('open files of other profilers in the page, where the user chooses that', async function () {
    // The first page of a window takes its time on a busy machine.
    this.timeout(120_000);
    const path = join(dirname(source), 'x.cpuprofile');
    writeFileSync(path, '{"nodes":[]}');
    await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), FOREIGN_EDITOR);
    await eventually('its tab is there', () => recordingTabs(path).length === 1);
    assert.equal((recordingTabs(path)[0].input as vscode.TabInputCustom).viewType, FOREIGN_EDITOR);
    const { tracer } = await activated();
    const profiles = await tracer.profiles();
    await eventually('its figures are those of the editors', () => profiles.active?.path === path, 100_000);
  });
});
