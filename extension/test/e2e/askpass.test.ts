// Other programs of one's own (another extension, say) beside the real sudo: a password that is typed for us opens nothing for
// them, they cannot ask for it, and a password that was typed for something else is not used by us.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '../../../helper/src/client/startProcess';
import { ASKING_SUDO, type Askpass, makeAskpass, PASSWORD_PROMPT, QUIET_SUDO } from '../../src/elevation/askpass';
import { makeTemporaryUser, type TemporaryUser, whyNoTemporaryUser } from './temporaryUser';

describe('a password for the real sudo', function () {
  this.timeout(60_000);
  let user: TemporaryUser;
  let folder: string;
  let asked: string[];
  let askpass: Askpass;
  const children: ChildProcess[] = [];

  before(function () {
    const missing = whyNoTemporaryUser();
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    user = makeTemporaryUser({ passwordNeeded: true, passwordRemembered: true });
    folder = mkdtempSync(join(tmpdir(), 'askpass-'));
    chmodSync(folder, 0o755);
  });
  beforeEach(async () => {
    asked = [];
    askpass = await makeAskpass([folder], async (question) => {
      asked.push(question);
      return user.password;
    });
    chownSync(askpass.script, user.uid, user.gid);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await askpass?.close();
    user?.forget();
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
    user?.remove();
  });

  const environment = () => ({ PATH: process.env.PATH, LC_ALL: 'C', SUDO_ASKPASS: askpass.script });
  /** One shell, as one extension host: sudo's timestamps are by its parent where there is no terminal. */
  const asUser = (script: string) => [
    ...['setpriv', '--reuid', user.name, '--regid', user.name, '--init-groups', 'sh', '-c', `cd /; ${script}`],
  ];
  const quoted = (argv: string[]) => argv.map((part) => `'${part}'`).join(' ');
  const OPEN = 'sudo -n true 2>/dev/null && echo open || echo closed';

  /** What the script printed, while our own channel answers the questions of its sudo. */
  async function said(script: string): Promise<string[]> {
    const lines: string[] = [];
    const debug = (text: string) => {
      if (text.startsWith('helper stdout: ')) lines.push(text.slice('helper stdout: '.length));
    };
    const nothing = () => {};
    const log = { debug, info: nothing, warn: nothing, error: nothing };
    await startProcess(asUser(script), {
      env: environment(),
      timeoutMs: 30_000,
      log,
      question: askpass.takeLine,
      detached: true,
    });
    return lines;
  }

  it('is asked for once, and opens nothing for the programs beside us', async () => {
    assert.deepEqual(await said(`${quoted(ASKING_SUDO)} id -u; ${OPEN}`), ['0', 'closed']);
    assert.deepEqual(asked, [PASSWORD_PROMPT]);
  });

  it('would open sudo for them without -k', async () => {
    const kept = ASKING_SUDO.filter((part) => part !== '-k');
    assert.deepEqual(await said(`${quoted(kept)} id -u; ${OPEN}`), ['0', 'open']);
  });

  it('is not used by us where it was typed for something else, and stays what it was for that', async () => {
    const kept = ASKING_SUDO.filter((part) => part !== '-k');
    const ours = `${quoted(QUIET_SUDO)} id -u 2>/dev/null || echo refused`;
    assert.deepEqual(await said(`${quoted(kept)} true; ${ours}; ${OPEN}`), ['refused', 'open']);
  });

  it('is not asked for by the sudo of another program, although that knows our script', async () => {
    const hostile = spawn('setpriv', asUser(`${quoted(ASKING_SUDO)} id -u`).slice(1), {
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    children.push(hostile);
    let heard = '';
    const itsQuestion = await new Promise<string>((resolve, reject) => {
      hostile.stderr.on('data', (chunk) => {
        heard += chunk;
        if (heard.includes('\n')) resolve(heard);
      });
      hostile.once('close', () => reject(new Error(`it did not ask: ${heard}`)));
    });
    // The question came to whoever started that sudo, and so would the answer have to.
    assert.match(itsQuestion, new RegExp(PASSWORD_PROMPT));
    const ended = new Promise((resolve) => hostile.once('close', resolve));
    hostile.stdin.end();
    assert.notEqual(await ended, 0);
    assert.deepEqual(asked, []);
  });
});
