// libbpf.so.1 and the few system calls that go with it, bound once through koffi. The system's library is taken where there is one
// (it fits the system's libc), else the copy that ships in the VSIX beside the bundles. Everything native of the capture passes
// here.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tracerError } from '../protocol';

/** A native address; null is NULL. */
export type Pointer = bigint | null;
type Int = number | bigint;

export interface Libbpf {
  /** Which library was loaded. */
  path: string;
  object_open_file(path: string, options: Buffer | null): Pointer;
  object_load(object: Pointer): number;
  object_close(object: Pointer): void;
  object_find_program(object: Pointer, name: string): Pointer;
  object_find_map(object: Pointer, name: string): Pointer;
  object_next_map(object: Pointer, previous: Pointer): Pointer;
  program_set_autoload(program: Pointer, autoload: boolean): number;
  program_set_expected_attach_type(program: Pointer, type: number): number;
  program_fd(program: Pointer): number;
  program_attach(program: Pointer): Pointer;
  program_attach_perf_event(program: Pointer, fd: number): Pointer;
  program_attach_iter(program: Pointer, options: null): Pointer;
  link_destroy(link: Pointer): number;
  link_fd(link: Pointer): number;
  iter_create(linkFd: number): number;
  map_name(map: Pointer): string;
  map_fd(map: Pointer): number;
  map_set_type(map: Pointer, type: number): number;
  map_set_key_size(map: Pointer, bytes: number): number;
  map_set_value_size(map: Pointer, bytes: number): number;
  map_set_max_entries(map: Pointer, count: number): number;
  map_reuse_fd(map: Pointer, fd: number): number;
  /** The map that those in a map of maps are like; it stays the caller's. */
  map_set_inner_fd(map: Pointer, fd: number): number;
  map_create(type: number, name: string, keyBytes: number, valueBytes: number, count: number, options: Buffer): number;
  map_initial_value(map: Pointer, size: Buffer): Pointer;
  lookup(mapFd: number, key: Buffer, value: Buffer): number;
  /** The key behind `key`, or the first; -ENOENT behind the last. */
  nextKey(mapFd: number, key: Buffer | null, next: Buffer): number;
  update(mapFd: number, key: Buffer, value: Buffer, flags: Int): number;
  /** Keys and values one behind the other; `count` (32 bits) becomes how many were written. */
  updateBatch(mapFd: number, keys: Buffer, values: Buffer, count: Buffer, options: null): number;
  delete(mapFd: number, key: Buffer): number;
  program_info(fd: number, info: Buffer, length: Buffer): number;
  enable_stats(type: number): number;
  probe_map_type(type: number, options: null): number;
  probe_helper(programType: number, helper: number, options: null): number;
  set_print(callback: Pointer): Pointer;
}

export interface System {
  perfEventOpen(attributes: Buffer, pid: number, cpu: number, group: number, flags: Int): number;
  ioctl(fd: number, request: Int, argument: Int): number;
  ioctlMemory(fd: number, request: Int, argument: Buffer): number;
  mmap(address: null, bytes: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, bytes: number): number;
  close(fd: number): number;
  /** The system call; a negative number sets errno. */
  bpf(command: number, attributes: Buffer, bytes: number): number;
  /** Memory of the C library, for system calls that follow pointers; 0: none left. */
  allocate(bytes: number): bigint;
  free(address: bigint): void;
  /** pthread_sigmask; sets are of 128 bytes. */
  signalMask(how: number, set: Buffer, before: Buffer | null): number;
  copy(to: Buffer | bigint, from: Buffer | bigint, bytes: number): void;
  /** A window onto native memory without a copy; not possible in Electron. */
  view(address: bigint, bytes: number): ArrayBuffer;
  readonly pageBytes: number;
  /** Of the calling thread alone. */
  setns(fd: number, kind: number): number;
  socket(family: number, type: number, protocol: number): number;
  /** 0: there is no such device in the thread's network namespace. */
  deviceIndex(name: string): number;
  /** Name of the last error, `EPERM`. */
  errnoName(): string;
  nameOf(errno: number): string;
}

type LogLine = (text: string) => void;

let bound: { libbpf: Libbpf; system: System } | undefined;
let logLine: LogLine | null = null;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;

function candidates(): string[] {
  // dist/helper.js, or helper/src/bpf/libbpf.js of the tests' tree.
  const beside = [join(__dirname, 'native'), join(__dirname, '../../../../../dist/native')];
  return ['libbpf.so.1', ...beside.map((folder) => join(folder, 'libbpf.so.1')).filter((path) => existsSync(path))];
}

/** Loads koffi and libbpf at the first call (about 15 ms). Throws NATIVE_MISSING or LIBBPF_MISSING. */
export function native(): { libbpf: Libbpf; system: System } {
  if (bound) return bound;
  let koffi: typeof import('koffi');
  try {
    koffi = require('koffi');
  } catch (error) {
    throw tracerError('NATIVE_MISSING', firstLine(error));
  }
  const failures: string[] = [];
  for (const path of candidates()) {
    try {
      loadNeeds(koffi, path);
      const library = koffi.load(path);
      bound = { libbpf: bindLibbpf(koffi, library, path), system: bindSystem(koffi) };
      return bound;
    } catch (error) {
      failures.push(firstLine(error));
    }
  }
  throw tracerError('LIBBPF_MISSING', failures.join('; '));
}

/** The copy in the VSIX brings libelf and zlib: loaded before it, so that it finds them where the system has none. */
function loadNeeds(koffi: typeof import('koffi'), path: string): void {
  const order = join(dirname(path), 'LOAD_ORDER');
  if (!path.startsWith('/') || !existsSync(order)) return;
  for (const name of readFileSync(order, 'utf8').trim().split('\n'))
    if (name !== basename(path)) koffi.load(join(dirname(path), name), { global: true });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}

function bindLibbpf(koffi: typeof import('koffi'), library: import('koffi').LibraryHandle, path: string): Libbpf {
  const f = (definition: string) => library.func(definition) as never;
  const libbpf: Libbpf = {
    path,
    object_open_file: f('void *bpf_object__open_file(str path, void *options)'),
    object_load: f('int bpf_object__load(void *object)'),
    object_close: f('void bpf_object__close(void *object)'),
    object_find_program: f('void *bpf_object__find_program_by_name(void *object, str name)'),
    object_find_map: f('void *bpf_object__find_map_by_name(void *object, str name)'),
    object_next_map: f('void *bpf_object__next_map(void *object, void *map)'),
    program_set_autoload: f('int bpf_program__set_autoload(void *program, bool autoload)'),
    program_set_expected_attach_type: f('int bpf_program__set_expected_attach_type(void *program, int type)'),
    program_fd: f('int bpf_program__fd(void *program)'),
    program_attach: f('void *bpf_program__attach(void *program)'),
    program_attach_perf_event: f('void *bpf_program__attach_perf_event(void *program, int fd)'),
    program_attach_iter: f('void *bpf_program__attach_iter(void *program, void *options)'),
    link_fd: f('int bpf_link__fd(void *link)'),
    iter_create: f('int bpf_iter_create(int link_fd)'),
    link_destroy: f('int bpf_link__destroy(void *link)'),
    map_name: f('str bpf_map__name(void *map)'),
    map_fd: f('int bpf_map__fd(void *map)'),
    map_set_type: f('int bpf_map__set_type(void *map, int type)'),
    map_set_key_size: f('int bpf_map__set_key_size(void *map, uint bytes)'),
    map_set_value_size: f('int bpf_map__set_value_size(void *map, uint bytes)'),
    map_set_max_entries: f('int bpf_map__set_max_entries(void *map, uint count)'),
    map_set_inner_fd: f('int bpf_map__set_inner_map_fd(void *map, int fd)'),
    map_create: f('int bpf_map_create(int type, str name, uint key, uint value, uint count, void *options)'),
    map_reuse_fd: f('int bpf_map__reuse_fd(void *map, int fd)'),
    map_initial_value: f('void *bpf_map__initial_value(void *map, void *size)'),
    lookup: f('int bpf_map_lookup_elem(int fd, void *key, void *value)'),
    nextKey: f('int bpf_map_get_next_key(int fd, void *key, void *next)'),
    update: f('int bpf_map_update_elem(int fd, void *key, void *value, uint64 flags)'),
    updateBatch: f('int bpf_map_update_batch(int fd, void *keys, void *values, void *count, void *options)'),
    delete: f('int bpf_map_delete_elem(int fd, void *key)'),
    program_info: f('int bpf_obj_get_info_by_fd(int fd, void *info, void *length)'),
    enable_stats: f('int bpf_enable_stats(int type)'),
    probe_map_type: f('int libbpf_probe_bpf_map_type(int type, void *options)'),
    probe_helper: f('int libbpf_probe_bpf_helper(int type, int helper, void *options)'),
    set_print: f('void *libbpf_set_print(void *callback)'),
  };
  captureLog(koffi, libbpf);
  return libbpf;
}

/** libbpf's own messages (verifier log and all) go to whoever listens, instead of stderr. */
function captureLog(koffi: typeof import('koffi'), libbpf: Libbpf): void {
  const vsnprintf = koffi.load(null).func('int vsnprintf(void *text, size_t bytes, void *format, void *arguments)');
  const text = Buffer.alloc(1 << 16);
  const callback = koffi.register(
    (_level: number, format: bigint, args: bigint) => {
      if (!logLine) return 0;
      const length = Math.min(vsnprintf(text, text.length, format, args), text.length - 1);
      if (length > 0) logLine(text.toString('latin1', 0, length).trimEnd());
      return 0;
    },
    koffi.pointer(koffi.proto('int libbpfPrint(int level, void *format, void *arguments)')),
  );
  libbpf.set_print(callback);
}

/** Runs `action` with libbpf's messages going to `listener`. */
export function withLibbpfLog<T>(listener: LogLine, action: () => T): T {
  const before = logLine;
  logLine = listener;
  try {
    return action();
  } finally {
    logLine = before;
  }
}

const SYS_PERF_EVENT_OPEN = process.arch === 'arm64' ? 241 : 298;
const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
const SC_PAGESIZE = 30;

function bindSystem(koffi: typeof import('koffi')): System {
  const self = koffi.load(null);
  const mmap = self.func('mmap', 'uintptr_t', ['void *', 'size_t', 'int', 'int', 'int', 'long']);
  const perf = self.func('syscall', 'long', ['long', 'void *', 'int', 'int', 'int', 'ulong']);
  const bpf = self.func('syscall', 'long', ['long', 'int', 'void *', 'uint']);
  const allocate = self.func('malloc', 'uintptr_t', ['size_t']);
  const name = (errno: number) =>
    Object.keys(koffi.os.errno).find((key) => koffi.os.errno[key] === errno) ?? `errno ${errno}`;
  return {
    perfEventOpen: (attributes, pid, cpu, group, flags) =>
      perf(SYS_PERF_EVENT_OPEN, attributes, pid, cpu, group, flags),
    ioctl: self.func('ioctl', 'int', ['int', 'ulong', 'ulong']),
    ioctlMemory: self.func('ioctl', 'int', ['int', 'ulong', 'void *']),
    mmap: (...args) => BigInt(mmap(...args)),
    munmap: self.func('int munmap(uintptr_t address, size_t bytes)'),
    close: self.func('int close(int fd)'),
    bpf: (command, attributes, bytes) => Number(bpf(SYS_BPF, command, attributes, bytes)),
    allocate: (bytes) => BigInt(allocate(bytes)),
    free: self.func('void free(uintptr_t address)'),
    signalMask: self.func('int pthread_sigmask(int how, void *set, void *before)'),
    copy: self.func('void *memcpy(void *to, void *from, size_t bytes)'),
    view: (address, bytes) => koffi.view(address, bytes),
    setns: self.func('int setns(int fd, int kind)'),
    socket: self.func('int socket(int family, int type, int protocol)'),
    deviceIndex: self.func('uint if_nametoindex(str name)'),
    pageBytes: self.func('long sysconf(int name)')(SC_PAGESIZE),
    errnoName: () => name(koffi.errno()),
    nameOf: name,
  };
}
