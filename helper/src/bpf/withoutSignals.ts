// Keeps signals from interrupting the verifier: it gives up with EAGAIN where one is pending, and libbpf's five attempts do not
// help where a timer sends one every millisecond (SIGPROF of a CPU profiler, --cpu-prof). Blocked are those of this thread only,
// and they are delivered afterwards.

import { native } from './libbpf';

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
/** sigset_t of glibc and musl. */
const SIGNAL_SET_BYTES = 128;

export function withoutSignals<T>(action: () => T): T {
  const { signalMask } = native().system;
  const before = Buffer.alloc(SIGNAL_SET_BYTES);
  signalMask(SIG_BLOCK, Buffer.alloc(SIGNAL_SET_BYTES, 0xff), before);
  try {
    return action();
  } finally {
    signalMask(SIG_SETMASK, before, null);
  }
}
