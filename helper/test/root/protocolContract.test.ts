// The contract of the protocol, kept by the real helper: real eBPF, real recordings.

import { keepsTheProtocol } from '../shared/protocolContract';
import { missingForEbpf, serve } from './helperProcess';
import { SLOWNESS } from './slowness';

describe('the protocol, as the helper speaks it', function () {
  this.timeout(120_000 * SLOWNESS);
  before(function () {
    const missing = missingForEbpf();
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });

  keepsTheProtocol(async ({ lingerMs, heartbeatTimeoutMs }) => {
    const extra = ['--heartbeat-timeout', String(heartbeatTimeoutMs)];
    const { folder, exited, child } = await serve({ uid: process.getuid!(), lingerMs, extra });
    return {
      folder,
      exited,
      end: () => {
        child.kill('SIGTERM');
        return exited;
      },
    };
  });
});
