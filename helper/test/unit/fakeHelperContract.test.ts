// The contract of every helper, kept by the extension's fake one: what the extension is tested against says and does what the real
// helper does.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HelperConnection } from '../../src/client/helperConnection';
import { createSocketFolder, type SocketFolder } from '../../src/client/socketFolder';
import { keepsTheContract } from '../contract/helperContract';

const FAKE = join(__dirname, '../../../extension/test/fakes/fakeHelper.js');

describe("the extension's fake helper", () => {
  let helper: ChildProcess;
  let socket: SocketFolder;
  let folder: string;

  beforeEach(async () => {
    socket = createSocketFolder();
    folder = mkdtempSync(join(tmpdir(), 'contract-'));
    const args = ['serve', '--socket-dir', socket.dir, '--linger', '0', '--for', 'cpu'];
    helper = spawn(process.execPath, [FAKE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(helper.stdout!, 'data');
  });
  afterEach(async () => {
    helper.kill('SIGKILL');
    rmSync(socket.dir, { recursive: true, force: true });
    rmSync(folder, { recursive: true });
  });

  keepsTheContract(() => ({
    connect: () => HelperConnection.connect(socket),
    target: { pids: [process.pid], children: true, startAtExec: false },
    tracers: { cpu: { frequencyHz: 99, kernel: true } },
    folder,
  }));
});
