// What is in the VSIX, and that it works on its own: unpacked by VS Code itself into a folder far from this repository, on
// a machine whose libbpf is hidden.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder, ROOT, vsCodeServerDir, vsixPath } from './paths';
import { makeWorkspace } from './workspace';

describe('the VSIX', function () {
  this.timeout(180_000);
  let dataDir: string;
  let extension: string;

  before(() => {
    dataDir = freshFolder('vsix');
    const dir = vsCodeServerDir();
    const main = join(dir, 'server/lib/vscode/out/server-main.js');
    const folders = ['--server-data-dir', dataDir, '--extensions-dir', join(dataDir, 'extensions')];
    const flags = ['--install-extension', vsixPath(), '--force', '--accept-server-license-terms', ...folders];
    execFileSync(join(dir, 'node/bin/node'), [main, ...flags], { stdio: 'pipe', cwd: '/' });
    const [folder] = readdirSync(join(dataDir, 'extensions')).filter((name) => name.includes('ebpf-tracer'));
    extension = join(dataDir, 'extensions', folder);
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const files = () =>
    readdirSync(extension, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(extension.length + 1));

  it('is small', () => {
    assert.ok(statSync(vsixPath()).size <= 15e6);
  });

  it('holds what the product needs', () => {
    const objects = readdirSync(join(ROOT, 'bpf'))
      .filter((name) => name.endsWith('.bpf.c'))
      .map((name) => `dist/bpf/${name.replace('.bpf.c', '.o')}`);
    const needed = [
      'package.json',
      'package.nls.json',
      'readme.md',
      'changelog.md',
      'LICENSE.txt',
      'dist/THIRD_PARTY_NOTICES.txt',
      'dist/extension.js',
      'dist/helper.js',
      'dist/cli.js',
      'dist/symbolizeWorker.js',
      'dist/debuginfod.js',
      'dist/webview/boot.js',
      'dist/webview/speedscope/speedscope.js',
      'dist/native/libbpf.so.1',
      'dist/native/libelf.so.1',
      'dist/native/libz.so.1',
      `dist/node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
      ...objects,
    ];
    const held = new Set(files().map((name) => name.toLowerCase()));
    for (const name of needed) assert.ok(held.has(name.toLowerCase()), `${name} is missing`);
  });

  it('holds nothing else', () => {
    const foreign = files().filter(
      (name) =>
        /\.(map|ts|tsbuildinfo|c|cc|hh)$/.test(name) ||
        (/(^|\/)(test|tests|src|bench|\.vscode|\.ci)\//.test(name) &&
          !name.includes('node_modules/koffi/src/koffi/')) ||
        (name.endsWith('.node') && !name.includes(`linux_${process.arch}`)),
    );
    assert.deepEqual(foreign, []);
    assert.equal(files().filter((name) => name.endsWith('.node')).length, 1);
  });

  it('names everybody whose work it carries', () => {
    const notices = readFileSync(join(extension, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
    const manifest = JSON.parse(readFileSync(join(extension, 'package.json'), 'utf8'));
    for (const name of [
      ...Object.keys(manifest.dependencies),
      'Source Code Pro',
      'libbpf.so.1',
      'libelf.so.1',
      'libz.so.1',
    ])
      assert.ok(notices.includes(name), `${name} is not named`);
    assert.match(notices, /Permission is hereby granted/);
    assert.match(notices, /GNU LESSER GENERAL PUBLIC LICENSE/i);
  });

  it('records by its own libbpf where the system has none', function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: hiding the system’s libbpf and tracing need root');
      this.skip();
    }
    const workspace = makeWorkspace('vsix-run');
    try {
      // In a mount namespace of its own, gone with the command: an empty file lies over each libbpf.
      const script =
        'for f in /usr/lib/*/libbpf.so* /usr/lib64/libbpf.so* /usr/lib/libbpf.so*; do ! [ -e "$f" ] || mount --bind /dev/null "$f"; done; exec "$@"';
      const output = join(workspace.folder, 'r.speedscope.json');
      const command = [
        ...[process.execPath, join(extension, 'dist/cli.js'), 'record', '--json', '--output', output],
        ...['--', workspace.program, '2'],
      ];
      const answer = execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], { encoding: 'utf8' });
      const summary = JSON.parse(answer.trim().split('\n').at(-1) as string);
      assert.ok(summary.samples > 0);
      assert.equal(summary.top[0].name, 'work_sixty');
      assert.ok(existsSync(output));
    } finally {
      workspace.remove();
    }
  });
});
