// One BPF object file from disk to the kernel: open, set up, load, look after its links, close. An object that fails to load
// throws with the tail of the verifier's log, which loadError.ts turns into a sentence for the user.

import { existsSync, readSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { TRACER_SETTINGS } from '../abi/events.gen';
import type { CallersRights } from '../process/callersRights';
import { native, type Pointer, withLibbpfLog } from './libbpf';
import { withoutSignals } from './withoutSignals';

const BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4;

export interface TracerSettings {
  useRingBuffer: boolean;
  countKernel: boolean;
  useTaskPtRegs: boolean;
  followChildren: boolean;
  /** Inode of the helper's PID namespace, 0 for the initial one. */
  pidNsInode: number;
  /** Samples that need tables which are still being made are sent raw. */
  keepRaw: boolean;
  /** Of a user stack, where it is walked in bpf_loop. */
  maxFrames: number;
  /** Whose processes are traced; null: everybody's. */
  rights: CallersRights | null;
  /** Of several objects of one name in a recording, which one this is (default: 0). */
  place?: number;
}

/** Who loads the objects that send into one ring and look at one set of targets: a recording's session. */
export interface ObjectLoader {
  /** Features to do without. */
  readonly without: ReadonlySet<string>;
  /**
   * Loads an object. It shares every map that it declares with the objects before it. `setUp` chooses programs and map sizes.
   * Throws BpfLoadError; nothing is left of the object then.
   */
  load(name: string, setUp?: (object: BpfObject) => void, settings?: Partial<TracerSettings>): BpfObject;
  /** Ends one object, with its links, before the session ends. */
  unload(object: BpfObject): void;
}

/** libbpf or the kernel refused something: its errno's name and what was printed. */
export class BpfLoadError extends Error {
  constructor(
    what: string,
    readonly errno: string,
    readonly log: string[],
  ) {
    super(`${what}: ${errno}`);
    this.name = 'BpfLoadError';
  }
}

/**
 * dist/helper.js finds the objects in dist/bpf, the tests' tree (out/js/helper/src/bpf) at the repository's root. An absolute path is
 * an object of the tests.
 */
export function objectPath(name: string): string {
  if (isAbsolute(name)) return `${name}.o`;
  const places = ['bpf', '../../../../..'].map((folder) => join(__dirname, folder, `${name}.o`));
  return places.find((path) => existsSync(path)) ?? places[0];
}

function writeRights({ uid, groups, capabilities }: CallersRights, settings: Buffer): void {
  const known = (groups ?? []).slice(0, TRACER_SETTINGS.callerGroupsLength);
  settings.writeUInt32LE(1, TRACER_SETTINGS.checkOwner);
  settings.writeUInt32LE(uid, TRACER_SETTINGS.callerUid);
  settings.writeUInt32LE(known.length, TRACER_SETTINGS.callerGroupCount);
  known.forEach((gid, i) => {
    settings.writeUInt32LE(gid, TRACER_SETTINGS.callerGroups + 4 * i);
  });
  settings.writeBigUInt64LE(capabilities ?? 0n, TRACER_SETTINGS.callerCapabilities);
}

export class BpfObject {
  private object: Pointer;
  private links: Pointer[] = [];
  private templates: number[] = [];
  private readonly log: string[] = [];
  private readonly name: string;

  /** `path`: only where the object is not one of the product's. */
  constructor(name: string, path = objectPath(name)) {
    this.name = name;
    this.object = this.logged(() => native().libbpf.object_open_file(path, null));
    if (this.object === null) throw this.error(`Opening ${path}`, native().system.errnoName());
  }

  /** Writes `settings` of bpf/lib/settings.bpf.h into .rodata; before load(). */
  configure(settings: TracerSettings): void {
    const { libbpf, system } = native();
    const map = this.maps().find((handle) => libbpf.map_name(handle).endsWith('.rodata'));
    if (map === undefined) throw this.error('Settings', 'no .rodata');
    const size = Buffer.alloc(8);
    const at = libbpf.map_initial_value(map, size);
    const bytes = Buffer.alloc(TRACER_SETTINGS.byteLength);
    if (at === null || Number(size.readBigUInt64LE()) < bytes.length) throw this.error('Settings', 'too small');
    bytes.writeUInt32LE(Number(settings.useRingBuffer), TRACER_SETTINGS.useRingBuffer);
    bytes.writeUInt32LE(Number(settings.countKernel), TRACER_SETTINGS.countKernel);
    bytes.writeUInt32LE(Number(settings.useTaskPtRegs), TRACER_SETTINGS.useTaskPtRegs);
    bytes.writeUInt32LE(Number(settings.followChildren), TRACER_SETTINGS.followChildren);
    bytes.writeUInt32LE(settings.pidNsInode, TRACER_SETTINGS.pidNsInode);
    bytes.writeUInt32LE(Number(settings.keepRaw), TRACER_SETTINGS.keepRaw);
    bytes.writeUInt32LE(settings.maxFrames, TRACER_SETTINGS.maxFrames);
    bytes.writeUInt32LE(settings.place ?? 0, TRACER_SETTINGS.place);
    if (settings.rights) writeRights(settings.rights, bytes);
    system.copy(at, bytes, bytes.length);
  }

  private maps(): Pointer[] {
    const found: Pointer[] = [];
    for (let map = native().libbpf.object_next_map(this.object, null); map !== null; ) {
      found.push(map);
      map = native().libbpf.object_next_map(this.object, map);
    }
    return found;
  }

  setMaxEntries(map: string, count: number): void {
    this.must(`Size of ${map}`, native().libbpf.map_set_max_entries(this.map(map), count));
  }

  /** Makes `map` a perf event array instead of a ring buffer. */
  usePerfBuffers(map: string, possibleCpus: number): void {
    const { libbpf } = native();
    const handle = this.map(map);
    this.must(map, libbpf.map_set_type(handle, BPF_MAP_TYPE_PERF_EVENT_ARRAY));
    this.must(map, libbpf.map_set_key_size(handle, 4));
    this.must(map, libbpf.map_set_value_size(handle, 4));
    this.must(map, libbpf.map_set_max_entries(handle, possibleCpus));
  }

  /**
   * The maps that `map`, a map of maps, will hold are to be like that of `fd`, which is closed after load(). (Changing those
   * that the object describes ends newer libbpfs, from 1.4 on, by SIGSEGV.)
   */
  setInnerTemplate(map: string, fd: number): void {
    this.templates.push(fd);
    this.must(`Maps in ${map}`, native().libbpf.map_set_inner_fd(this.map(map), fd));
  }

  /** Every map that one of the others declares as well is theirs: records, targets, tables, counters. Before load(). */
  shareMaps(others: readonly BpfObject[]): void {
    const { libbpf } = native();
    for (const handle of this.maps()) {
      const name = libbpf.map_name(handle);
      // Sections (.rodata) are each object's own.
      if (name.includes('.')) continue;
      const owner = others.find((other) => other.hasMap(name));
      if (owner) this.must(name, libbpf.map_reuse_fd(handle, owner.mapFd(name)));
    }
  }

  hasMap(name: string): boolean {
    return native().libbpf.object_find_map(this.object, name) !== null;
  }

  hasProgram(program: string): boolean {
    return native().libbpf.object_find_program(this.object, program) !== null;
  }

  setAutoload(program: string, autoload: boolean): void {
    this.must(program, native().libbpf.program_set_autoload(this.program(program), autoload));
  }

  /** enum bpf_attach_type, before load(). */
  setExpectedAttachType(program: string, type: number): void {
    this.must(program, native().libbpf.program_set_expected_attach_type(this.program(program), type));
  }

  load(): void {
    const result = this.logged(() => withoutSignals(() => native().libbpf.object_load(this.object)));
    this.closeTemplates();
    if (result < 0) throw this.error(`Loading ${this.name}`, native().system.nameOf(-result));
  }

  mapFd(map: string): number {
    return native().libbpf.map_fd(this.map(map));
  }

  programFd(program: string): number {
    return native().libbpf.program_fd(this.program(program));
  }

  /** Attaches by the program's section name; the link lives until close(). */
  attach(program: string): void {
    const link = this.logged(() => native().libbpf.program_attach(this.program(program)));
    if (link === null) throw this.error(`Attaching ${program}`, native().system.errnoName());
    this.links.push(link);
  }

  /** Returns the link; the caller destroys it by detach(), or close() does. libbpf closes `fd` with it. */
  attachPerfEvent(program: string, fd: number): Pointer {
    const link = this.logged(() => native().libbpf.program_attach_perf_event(this.program(program), fd));
    if (link === null) throw this.error(`Attaching ${program}`, native().system.errnoName());
    this.links.push(link);
    return link;
  }

  /** Runs an iterator over all that it is for, once. What it prints is dropped. */
  runIterator(program: string): void {
    const { libbpf, system } = native();
    const link = this.logged(() => libbpf.program_attach_iter(this.program(program), null));
    if (link === null) throw this.error(`Attaching ${program}`, system.errnoName());
    const fd = libbpf.iter_create(libbpf.link_fd(link));
    try {
      if (fd < 0) throw this.error(`Running ${program}`, system.nameOf(-fd));
      const dropped = Buffer.alloc(system.pageBytes);
      while (readSync(fd, dropped) > 0);
    } finally {
      if (fd >= 0) system.close(fd);
      libbpf.link_destroy(link);
    }
  }

  detach(link: Pointer): void {
    this.links = this.links.filter((other) => other !== link);
    native().libbpf.link_destroy(link);
  }

  detachAll(): void {
    for (const link of this.links.splice(0)) native().libbpf.link_destroy(link);
  }

  close(): void {
    if (this.object === null) return;
    this.detachAll();
    native().libbpf.object_close(this.object);
    this.object = null;
    this.closeTemplates();
  }

  private closeTemplates(): void {
    for (const fd of this.templates.splice(0)) native().system.close(fd);
  }

  private map(name: string): Pointer {
    const map = native().libbpf.object_find_map(this.object, name);
    if (map === null) throw this.error(`Map ${name}`, 'ENOENT');
    return map;
  }

  private program(name: string): Pointer {
    const program = native().libbpf.object_find_program(this.object, name);
    if (program === null) throw this.error(`Program ${name}`, 'ENOENT');
    return program;
  }

  private must(what: string, result: number): void {
    if (result < 0) throw this.error(what, native().system.nameOf(-result));
  }

  private logged<T>(action: () => T): T {
    return withLibbpfLog((line) => {
      this.log.push(line);
      if (this.log.length > 400) this.log.splice(0, 200);
    }, action);
  }

  private error(what: string, errno: string): BpfLoadError {
    return new BpfLoadError(what, errno, this.log.slice(-40));
  }
}
