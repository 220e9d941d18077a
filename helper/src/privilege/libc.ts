// The few C library calls of the privilege code that Node has no API for, bound once through koffi. Called by
// capabilities.ts, drop.ts and rpc/peer.ts; nothing else in this folder touches koffi.

import { tracerError } from '../protocol';

/** All arguments are integers or memory; all results integers. */
type NativeCall = (...args: (number | bigint | Buffer | null)[]) => number;

/** Bound against whatever C library the process already runs on (glibc or musl), so no file name is guessed. */
interface Libc {
  capget: NativeCall;
  capset: NativeCall;
  prctl: NativeCall;
  setgroups: NativeCall;
  setresgid: NativeCall;
  setresuid: NativeCall;
  setsid: NativeCall;
  getsockopt: NativeCall;
  getrlimit: NativeCall;
  setrlimit: NativeCall;
  syscall3: NativeCall;
  errno(): number;
  /** Symbolic name of an errno value: `EPERM`. */
  errnoName(value: number): string;
}

let bound: Libc | undefined;

/** Loads koffi at its first call (about 7 ms). Throws NATIVE_MISSING where its native file does not load. */
export function libc(): Libc {
  if (bound) return bound;
  let koffi: typeof import('koffi');
  try {
    koffi = require('koffi');
  } catch (error) {
    throw tracerError('NATIVE_MISSING', error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
  const self = koffi.load(null);
  const { errno: values } = koffi.os as { errno: Record<string, number> };
  bound = {
    capget: self.func('int capget(void *header, _Out_ void *data)'),
    capset: self.func('int capset(void *header, void *data)'),
    prctl: self.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
    setgroups: self.func('int setgroups(size_t count, void *groups)'),
    setresgid: self.func('int setresgid(uint real, uint effective, uint saved)'),
    setresuid: self.func('int setresuid(uint real, uint effective, uint saved)'),
    setsid: self.func('int setsid()'),
    getsockopt: self.func('int getsockopt(int fd, int level, int option, _Out_ void *value, _Inout_ void *length)'),
    getrlimit: self.func('int getrlimit(int resource, _Out_ void *limit)'),
    setrlimit: self.func('int setrlimit(int resource, void *limit)'),
    syscall3: self.func('syscall', 'long', ['long', 'long', 'long', 'long']),
    errno: () => koffi.errno(),
    errnoName: (value) => Object.keys(values).find((name) => values[name] === value) ?? `errno ${value}`,
  };
  return bound;
}

/** Throws an Error that names the call and the errno where `result` is negative. */
export function checkCall(call: string, result: number): void {
  if (result < 0) throw new Error(`${call}: ${libc().errnoName(libc().errno())}`);
}
