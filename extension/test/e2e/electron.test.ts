// A desktop VS Code's runtime: Electron, whose execPath is a Node only while ELECTRON_RUN_AS_NODE is set, which sudo takes
// out of the environment, and which refuses to map the ring buffer into JavaScript. Played here by a wrapper around Node,
// with the copying ring path forced, for a user who needs sudo.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder, ROOT } from './paths';
import { makeTemporaryUser, type TemporaryUser, whyNoTemporaryUser } from './temporaryUser';
import { makeWorkspace, type Workspace } from './workspace';

describe('on Electron', function () {
  this.timeout(120_000);
  let user: TemporaryUser;
  let folder: string;
  let workspace: Workspace;
  let electron: string;

  before(function () {
    const missing = whyNoTemporaryUser();
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    user = makeTemporaryUser({ passwordNeeded: false });
    folder = freshFolder('electron');
    chmodSync(folder, 0o755);
    workspace = makeWorkspace('electron-run', user);
    electron = join(folder, 'electron');
    const disguise = join(folder, 'disguise.cjs');
    writeFileSync(
      disguise,
      `Object.defineProperty(process, 'execPath', { value: ${JSON.stringify(electron)} });
Object.defineProperty(process.versions, 'electron', { value: '39.0.0', enumerable: true });
`,
    );
    writeFileSync(
      electron,
      `#!/bin/sh
[ -n "$ELECTRON_RUN_AS_NODE" ] || { echo "This would open a window: ELECTRON_RUN_AS_NODE is not set" >&2; exit 97; }
exec ${JSON.stringify(process.execPath)} -r ${JSON.stringify(disguise)} "$@"
`,
      { mode: 0o755 },
    );
    // Where another user can read it, whatever the repository's folder allows.
    mkdirSync(join(folder, 'app'));
    for (const path of ['dist', 'package.json'])
      cpSync(join(ROOT, path), join(folder, 'app', path), { recursive: true });
    for (const path of ['koffi', '@koromix'])
      cpSync(join(ROOT, 'node_modules', path), join(folder, 'app/node_modules', path), { recursive: true });
  });
  after(() => {
    workspace?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
    user?.remove();
  });

  it('is a runtime that needs its variable', () => {
    assert.throws(() => execFileSync(electron, ['-e', '0'], { env: {}, stdio: 'pipe' }), /would open a window/);
  });

  it('passes ELECTRON_RUN_AS_NODE through sudo and copies out of the ring', () => {
    const output = join(workspace.folder, 'r.speedscope.json');
    const args = ['record', '--json', '--without', 'zerocopy', '--output', output, '--', workspace.program, '2'];
    const answer = execFileSync(electron, [join(folder, 'app/dist/cli.js'), ...args], {
      encoding: 'utf8',
      cwd: workspace.folder,
      uid: user.uid,
      gid: user.gid,
      env: { PATH: process.env.PATH, HOME: user.home, USER: user.name, ELECTRON_RUN_AS_NODE: '1' },
    });
    const summary = JSON.parse(answer.trim().split('\n').at(-1) as string);
    assert.ok(summary.samples > 0);
    assert.equal(summary.lost, 0);
    assert.equal(summary.top[0].name, 'work_sixty');
  });
});
