// The contract of the protocol, kept by the stand-in against which the extension's tests run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createSocketFolder, removeSocketFolder } from '../../../helper/src/client/socketFolder';
import { keepsTheProtocol } from '../../../helper/test/shared/protocolContract';

const FAKE_HELPER = resolve(__dirname, '../fakes/fakeHelper.js');

describe('the protocol, as the fake helper speaks it', function () {
  this.timeout(20_000);

  keepsTheProtocol(async ({ lingerMs, heartbeatTimeoutMs, idle }) => {
    const folder = createSocketFolder();
    const times = ['--linger', String(lingerMs), '--heartbeat-timeout', String(heartbeatTimeoutMs)];
    const child = spawn(process.execPath, [FAKE_HELPER, 'serve', '--socket-dir', folder.dir, ...times], {
      env: { ...process.env, FAKE_HELPER: JSON.stringify({ idle }), FAKE_TICK_MS: '20' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout!, 'data');
    return {
      folder,
      exited,
      end: async () => {
        child.kill('SIGKILL');
        await exited;
        removeSocketFolder(folder.dir);
      },
    };
  });
});
