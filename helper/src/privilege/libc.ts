// The few C library calls of the helper that Node has no API for, bound once through koffi. libbpf's own bindings are in
// helper/src/bpf.

import { tracerError } from '../protocol';

/** All arguments are integers or memory; all results integers, negative on failure. */
type NativeCall = (...args: (number | bigint | Buffer | null)[]) => number;

interface Libc {
  capset: NativeCall;
  /** The same in a thread of Node's pool, whichever is free. */
  capsetInPool(header: Buffer, data: Buffer): Promise<number>;
  /** Keeps a thread of that pool busy. */
  sleepInPool(microseconds: number): Promise<number>;
  prctl: NativeCall;
  /** The name of a user id by the account database (nsswitch.conf); null where it has none. */
  accountName(uid: number): string | null;
  /** (name, group) */
  initgroups(name: string, gid: number): number;
  setgroups: NativeCall;
  setresgid: NativeCall;
  setresuid: NativeCall;
  setsid: NativeCall;
  getsockopt: NativeCall;
  getrlimit: NativeCall;
  setrlimit: NativeCall;
  /** A system call by its number with three arguments, for the calling thread alone. */
  syscall3: NativeCall;
  /** The same with memory as its second argument. */
  syscallMemory: NativeCall;
  /** The same with memory, or null, as its third. */
  syscallTail: NativeCall;
  /** Its number first: (number, attributes, pid, cpu, group, flags). */
  perfEventOpen: NativeCall;
  /** Without a word to anybody, and without waiting for threads. */
  exitAtOnce: NativeCall;
  errnoName(): string;
}

let bound: Libc | undefined;

/**
 * Loads koffi at its first call (about 7 ms) and binds against the C library that the process already runs on (glibc
 * or musl), so no file name is guessed. Throws NATIVE_MISSING where koffi's native file does not load.
 */
export function libc(): Libc {
  if (bound) return bound;
  let koffi: typeof import('koffi');
  try {
    koffi = require('koffi');
  } catch (error) {
    throw tracerError('NATIVE_MISSING', error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
  const self = koffi.load(null);
  const errnoValues = koffi.os.errno;
  const getpwuid = self.func('void *getpwuid(uint uid)');
  const capset = self.func('int capset(void *header, void *data)');
  const usleep = self.func('int usleep(uint microseconds)');
  const inPool = (call: typeof capset, args: unknown[]) =>
    new Promise<number>((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => (error ? reject(error) : resolve(result)));
    });
  bound = {
    accountName: (uid) => {
      const entry = getpwuid(uid);
      // struct passwd begins with the name.
      return entry === null ? null : koffi.decode(entry, 'str');
    },
    initgroups: self.func('int initgroups(str name, uint gid)'),
    capset,
    capsetInPool: (header, data) => inPool(capset, [header, data]),
    sleepInPool: (microseconds) => inPool(usleep, [microseconds]),
    prctl: self.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
    setgroups: self.func('int setgroups(size_t count, void *groups)'),
    setresgid: self.func('int setresgid(uint real, uint effective, uint saved)'),
    setresuid: self.func('int setresuid(uint real, uint effective, uint saved)'),
    setsid: self.func('int setsid()'),
    getsockopt: self.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    getrlimit: self.func('int getrlimit(int resource, void *limit)'),
    setrlimit: self.func('int setrlimit(int resource, void *limit)'),
    syscall3: self.func('syscall', 'long', ['long', 'long', 'long', 'long']),
    syscallMemory: self.func('syscall', 'long', ['long', 'long', 'void *', 'long']),
    syscallTail: self.func('syscall', 'long', ['long', 'long', 'long', 'void *']),
    perfEventOpen: self.func('syscall', 'long', ['long', 'void *', 'long', 'long', 'long', 'long']),
    exitAtOnce: self.func('_exit', 'void', ['int']),
    errnoName: () => {
      const value = koffi.errno();
      return Object.keys(errnoValues).find((name) => errnoValues[name] === value) ?? `errno ${value}`;
    },
  };
  return bound;
}

/** Throws an Error that names the call and the errno where `result` is negative. */
export function checkCall(call: string, result: number): void {
  if (result < 0) throw new Error(`${call}: ${libc().errnoName()}`);
}
