// package.json, contributions.ts, package.nls.json and l10n/ say the same: a command without a title, or a text that
// cannot be translated, fails here.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getL10nJson } from '@vscode/l10n-dev';
import * as ids from '../../src/contributions';

/** This file runs as out/js/extension/test/unit/contributions.test.js. */
const ROOT = resolve(__dirname, '../../../../..');
const json = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const manifest = json('package.json');
const { contributes } = manifest;

const sorted = (list: Iterable<string>) => [...list].sort();
/** The webview's texts travel in the same bundle: the extension hands it to the page. */
const sources = () =>
  ['extension/src', 'webview/src'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  );

describe('contributions', () => {
  it('names the commands of package.json', () => {
    const contributed = contributes.commands.map((one: { command: string }) => one.command);
    assert.deepEqual(sorted(contributed), sorted(Object.values(ids.Command)));
  });

  it('names the settings of package.json', () => {
    const own = Object.values(ids.Setting).map((name) => `${ids.SETTING_SECTION}.${name}`);
    assert.deepEqual(sorted(Object.keys(contributes.configuration.properties)), sorted(own));
  });

  it('names the views, editors, colours and the walkthrough of package.json', () => {
    const idsOf = (list: { id: string }[]) => sorted(list.map((one) => one.id));
    assert.deepEqual(idsOf(contributes.viewsContainers.activitybar), sorted(Object.values(ids.ViewContainer)));
    assert.deepEqual(idsOf(contributes.views[ids.ViewContainer.tracer]), sorted(Object.values(ids.View)));
    assert.deepEqual(idsOf(contributes.colors), sorted(Object.values(ids.Color)));
    assert.deepEqual(idsOf(contributes.walkthroughs), [ids.WALKTHROUGH]);
    assert.equal(contributes.customEditors[0].viewType, ids.RECORDING_EDITOR);
    assert.equal(`${manifest.publisher}.${manifest.name}`, ids.EXTENSION_ID);
  });

  it('offers in menus, links and completions only commands that exist', () => {
    const known = new Set<string>(Object.values(ids.Command));
    const inMenus = Object.values(contributes.menus as Record<string, { command: string }[]>)
      .flat()
      .map((one) => one.command);
    const text = JSON.stringify(manifest) + readFileSync(join(ROOT, 'package.nls.json'), 'utf8');
    const linked = [...text.matchAll(/(?:command|onCommand):(ebpfTracer[\w.]+)/g)].map((match) => match[1]);
    assert.ok(linked.length > 5, 'the walkthrough and the empty view link to commands');
    for (const command of [...inMenus, ...linked]) assert.ok(known.has(command), command);
  });

  it('uses only context keys that the code sets', () => {
    const known = new Set<string>(Object.values(ids.ContextKey));
    const used = [...JSON.stringify(manifest).matchAll(/ebpfTracer\.(?:is|has)\w+/g)].map((match) => match[0]);
    assert.deepEqual(sorted(new Set(used)), sorted(known));
  });

  it('is activated by commands, views and the editor only, and runs where the process runs', () => {
    assert.deepEqual(manifest.activationEvents, []);
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
  });

  it('ships the files it names', () => {
    const named = [...JSON.stringify(manifest).matchAll(/"(extension\/[\w./-]+\.(?:svg|png|md))"/g)];
    assert.ok(named.length >= 5);
    for (const [, path] of named) assert.ok(existsSync(join(ROOT, path)), path);
  });

  it('lets a workspace change nothing that runs or that grants rights', () => {
    assert.equal(contributes.configuration.properties['ebpfTracer.elevation.method'].scope, 'machine');
    const record = contributes.commands.find((one: { command: string }) => one.command === ids.Command.recordCommand);
    assert.equal(record.enablement, 'isWorkspaceTrusted');
  });
});

describe('texts', function () {
  this.timeout(240_000);

  it('has every key of package.json in package.nls.json, and no other', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]);
    assert.deepEqual(sorted(new Set(used)), sorted(Object.keys(json('package.nls.json'))));
  });

  it('has every text of the code in l10n/bundle.l10n.json, and no other', async () => {
    const found = await getL10nJson(sources().map((contents) => ({ extension: '.ts', contents })));
    assert.ok(Object.keys(found).length > 50);
    assert.deepEqual(
      sorted(Object.keys(json('l10n/bundle.l10n.json'))),
      sorted(Object.keys(found)),
      'run: npx vscode-l10n-dev export -o l10n extension/src webview/src',
    );
  });
});
