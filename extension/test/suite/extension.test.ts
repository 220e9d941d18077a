import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { RecordOptions, TracerError } from '../../../helper/src/protocol';
import { Command, RECORDING_EDITOR, SETTING_SECTION, Setting } from '../../src/contributions';
import type { RecordingSession } from '../../src/session/recordingSession';
import { makeRecording } from '../fakes/makeRecording';
import { activated, eventually, lensTitles, makeSource, recordingTabs, useHelper } from './host';

const source = makeSource();
const sourceUri = vscode.Uri.file(source);
const run = (command: string, ...args: unknown[]) => vscode.commands.executeCommand(command, ...args);
const sessions = async () => (await activated()).tracer.sessions();
const stored = async () => (await activated()).tracer.recordings.list();

async function removeRecordings(): Promise<void> {
  const { recordings } = (await activated()).tracer;
  for (const { path } of await recordings.list()) await recordings.delete(path);
}

/** Through the palette's command and the picker, choosing the row that is selected at first. */
async function recordFirstOfPicker() {
  let started: RecordingSession | undefined;
  const subscription = (await sessions()).onDidStart((session) => {
    started = session;
  });
  const finished = run(Command.profileProcess);
  const session = await eventually('a recording has started', async () => {
    await run('workbench.action.acceptSelectedQuickOpenItem');
    return started;
  });
  subscription.dispose();
  await finished;
  return session;
}

describe('the extension in its host', () => {
  before(async () => {
    const { activationMs } = await activated();
    console.log(`activated in ${activationMs.toFixed(1)} ms`);
  });
  after(() => rmSync(dirname(source), { recursive: true, force: true }));
  afterEach(async () => {
    for (const session of (await sessions()).list()) await session.stop();
    await run('workbench.action.closeAllEditors');
    await run('notifications.clearAll');
    await run(Command.clearAnnotations);
    await removeRecordings();
  });

  it('registers every command', async () => {
    const all = new Set(await vscode.commands.getCommands(true));
    for (const command of Object.values(Command)) assert.ok(all.has(command), command);
  });

  it('records a picked process, shows it live and keeps it when stopped', async () => {
    await useHelper({ sourceFile: source });
    const session = await recordFirstOfPicker();
    const { output } = session.subject;
    await eventually('the flame graph opened by itself', () => recordingTabs(output).length === 1);
    await eventually('samples came', () => session.count > 200);
    await run(Command.stopRecording);
    assert.equal(session.state, 'ended');
    const kept = await eventually('it is in the view', async () => (await stored()).find((one) => one.facts));
    assert.equal(kept.path, output);
    assert.equal(kept.facts?.complete, true);
    assert.ok((kept.facts?.counted?.[0].count ?? 0) > 200);
    assert.equal(recordingTabs(output).length, 1, 'and not opened a second time');
  });

  it('ends with the process', async () => {
    await useHelper({ sourceFile: source, exitAfterCheckpoints: 10 });
    const session = await recordFirstOfPicker();
    assert.equal((await session.ended).summary?.stopReason, 'exited');
    await eventually('it is in the view', async () => (await stored()).length === 1);
  });

  it('keeps what had arrived when the helper is killed, and starts another one', async () => {
    await useHelper({ sourceFile: source, dieAfterCheckpoints: 10 });
    const session = await recordFirstOfPicker();
    const end = await session.ended;
    assert.equal(end.error?.code, 'HELPER_DIED');
    assert.equal(end.count, 1000);
    const kept = await eventually('it is in the view', async () => (await stored()).find((one) => one.facts));
    assert.equal(kept.facts?.complete, false);
    process.env.FAKE_HELPER = JSON.stringify({ sourceFile: source });
    await eventually('the dead helper is forgotten', async () => {
      const { tracer } = await activated();
      return (await (await tracer.host()).existing()) === null;
    });
    const next = await recordFirstOfPicker();
    await eventually('samples came again', () => next.count > 0);
  });

  it('records a command from its start in a terminal', async () => {
    await useHelper({ sourceFile: source });
    const marker = join(dirname(source), 'ran');
    const before = new Set(vscode.window.terminals);
    await run(Command.recordCommand, `echo ran > ${marker}`);
    const [session] = (await sessions()).list();
    assert.match(session.subject.title, /^echo ran/);
    await eventually('the command ran', () =>
      vscode.workspace.fs.stat(vscode.Uri.file(marker)).then(Boolean, () => false),
    );
    await session.stop();
    for (const terminal of vscode.window.terminals) if (!before.has(terminal)) terminal.dispose();
  });

  it('refuses a second recording of the same process', async () => {
    await useHelper({ sourceFile: source });
    const session = await recordFirstOfPicker();
    const { tracer } = await activated();
    const target = { pids: [...session.subject.pids], children: true, startAtExec: false };
    const options = { target, tracers: { cpu: {} } } as unknown as RecordOptions;
    const client = await (await tracer.host()).ensure({ tracers: ['cpu'], anyUser: false });
    await assert.rejects(
      (await sessions()).record(client, options),
      (error: TracerError) => error.report.code === 'BUSY',
    );
    await session.stop();
  });

  describe('a recording that is open', () => {
    const path = join(dirname(source), 'open.speedscope.json');
    const uri = vscode.Uri.file(path);
    before(() => writeFileSync(path, JSON.stringify(makeRecording({ file: source, samples: 1204 }))));

    const openBoth = async () => {
      await run('vscode.openWith', uri, RECORDING_EDITOR);
      await eventually('its figures are known', async () => (await lensTitles(sourceUri)).length === 4);
      return vscode.window.showTextDocument(sourceUri, { viewColumn: vscode.ViewColumn.Beside });
    };

    it('puts a CodeLens over each function', async () => {
      await openBoth();
      const titles = await lensTitles(sourceUri);
      assert.ok(titles.includes('self 60 % · total 60 % · 722 samples'), titles.join('\n'));
      assert.ok(titles.includes('self 0 % · total 100 % · 1,204 samples'), titles.join('\n'));
    });

    it('tells samples, error, threads and callers in the hover', async () => {
      await openBoth();
      const at = new vscode.Position(21, 4);
      const hovers = await run('vscode.executeHoverProvider', sourceUri, at);
      const text = (hovers as vscode.Hover[])
        .flatMap((hover) => hover.contents)
        .map((content) => (typeof content === 'string' ? content : content.value))
        .join('\n')
        .replace(/&nbsp;/g, ' ');
      assert.match(text, /602 of 1,204 samples/);
      assert.match(text, /± 2\.8/);
      assert.match(text, /work:12/);
      assert.match(text, /worker/);
    });

    it('marks figures as edited, moves them, and takes the mark back when undone', async () => {
      const editor = await openBoth();
      await editor.edit((builder) => builder.insert(new vscode.Position(0, 0), 'first();\nsecond();\n'));
      const lenses = await eventually('the lenses are marked', async () => {
        const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
          'vscode.executeCodeLensProvider',
          sourceUri,
          100,
        );
        const ours = found.filter((lens) => lens.command?.title.includes('samples'));
        return ours.every((lens) => lens.command?.title.includes('edited')) && ours;
      });
      assert.deepEqual(
        lenses.map((lens) => lens.range.start.line).sort((a, b) => a - b),
        [2, 11, 21, 31],
      );
      await run('undo');
      await eventually('the mark is gone', async () => {
        const titles = await lensTitles(sourceUri);
        return titles.length === 4 && titles.every((title) => !title.includes('edited'));
      });
    });

    it('leaves the editors alone when switched off', async () => {
      await openBoth();
      await run(Command.toggleCodeLens);
      await eventually('no lens', async () => (await lensTitles(sourceUri)).length === 0);
      assert.equal(vscode.workspace.getConfiguration(SETTING_SECTION).get(Setting.codeLens), false);
      await run(Command.toggleCodeLens);
      await eventually('lenses', async () => (await lensTitles(sourceUri)).length === 4);
    });

    it('leaves them alone when cleared', async () => {
      await openBoth();
      await run(Command.clearAnnotations);
      await eventually('no lens', async () => (await lensTitles(sourceUri)).length === 0);
    });
  });

  it('asks once where a source is that was built elsewhere, and remembers it for the folder', async () => {
    const { locator } = await (await activated()).tracer.profiles();
    const [file] = await vscode.workspace.findFiles('**/*.c');
    const asked: string[] = [];
    const original = vscode.window.showInformationMessage;
    const answer = async (message: string, _options: unknown, first: unknown) => {
      asked.push(message);
      return first;
    };
    Object.assign(vscode.window, { showInformationMessage: answer });
    try {
      const recorded = `/build/ci${file.fsPath}`;
      assert.equal(await locator.find(recorded), null);
      assert.equal(await locator.findOrAsk(recorded), file.fsPath);
      assert.equal(await locator.findOrAsk(recorded), file.fsPath);
      assert.equal(await locator.find(recorded), file.fsPath);
      assert.equal(asked.length, 1, asked.join('\n'));
      assert.match(asked[0], /below \/build\/ci likewise/);
    } finally {
      Object.assign(vscode.window, { showInformationMessage: original });
    }
  });

  it('finds a relative source where the process was started or in the workspace, and nowhere else', async () => {
    const { locator } = await (await activated()).tracer.profiles();
    const [file] = await vscode.workspace.findFiles('**/*.c');
    const name = vscode.workspace.asRelativePath(file);
    assert.equal(await locator.find(name), file.fsPath);
    assert.equal(await locator.find(basename(source), dirname(source)), source);
    assert.equal(await locator.find('malloc/malloc.c', dirname(source)), null);
    const paths = [name, source, 'malloc/malloc.c', '/build/none.c', `/build/ci/${name}`];
    assert.deepEqual(await locator.cannotOpen(paths, dirname(source)), ['malloc/malloc.c', '/build/none.c']);
  });

  it('opens what is no recording without failing', async () => {
    const path = join(dirname(source), 'bad.speedscope.json');
    writeFileSync(path, 'no json');
    await run('vscode.openWith', vscode.Uri.file(path), RECORDING_EDITOR);
    await eventually('its tab is there', () => recordingTabs(path).length === 1);
  });

  it('renames and deletes recordings', async () => {
    const { recordings } = (await activated()).tracer;
    const path = recordings.newPath('a');
    writeFileSync(path, JSON.stringify(makeRecording({ file: source })));
    await recordings.remember(path, { title: 'a', samples: 100, durationMs: 1000, complete: true });
    const renamed = await recordings.rename(path, 'before / after');
    const [only] = await stored();
    assert.equal(only.path, renamed);
    assert.equal(only.facts?.title, 'before / after');
    await recordings.delete(renamed);
    assert.deepEqual(await stored(), []);
  });

  it('checks this machine', async () => {
    await run(Command.checkMachine);
    const shown = await eventually('its tab is there', () =>
      vscode.window.tabGroups.all.flatMap((group) => group.tabs).find((tab) => tab.label === 'Check This Machine'),
    );
    assert.ok(shown.input instanceof vscode.TabInputWebview);
  });
});
