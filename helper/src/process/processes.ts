// (pid, address) -> what is mapped there: a file and the offset in it, the vdso, code that was generated at run time, or
// nothing known. Needs the process, not the contents of files; those are the workers'.

import { type FileIdentity, type MappedFile, MappedFiles } from './files';
import { type Image, Images } from './images';
import { REREAD_MAPS_MS } from './limits';
import { readMaps } from './maps';
import { type AddressRange, MapsTable } from './mapsTable';
import { openPerfMap, type PerfMapFile, perfMapSize } from './perfMaps';
import { type Root, Roots } from './roots';
import type { MappedCode } from './types';

/** A process's code generated at run time, as its perf map names it at one size of that map: a new object for each size. */
export interface JitCode {
  map: PerfMapFile;
  sizeBytes: number;
}

export type Place =
  | { kind: 'file'; file: MappedFile; offset: number }
  | { kind: 'image'; image: Image; offset: number }
  | { kind: 'jit'; jit: JitCode; address: number }
  /** `name` as the maps have it: `[vsyscall]`, `[anon]`. */
  | { kind: 'unknown'; name: string; offset: number | null };

export type Code = AddressRange & ({ file: MappedFile } | { image: Image } | { name: string });

interface Process {
  pid: number;
  root: Root;
  maps: MapsTable<Code>;
  jit: JitCode | null;
  /** Size that `jitChanged` told of last. */
  toldJitBytes: number;
  mapsReadAtMs: number;
  rereadDelayMs: number;
  jitTriedAtMs: number;
  exited: boolean;
}

const ANON = '[anon]';
const MAX_REREAD_DELAY_MS = 10_000;
/** Default vm.mmap_min_addr. */
const LOWEST_ADDRESS = 65_536;
/** A perf map that is not there is looked for again, at most this often. */
const JIT_RETRY_MS = 250;

export class Processes {
  readonly files = new MappedFiles();
  readonly distrusted = new Map<string, string>();
  private droppedMaps: PerfMapFile[] = [];
  private readonly images = new Images();
  private readonly roots = new Roots();
  private readonly byPid = new Map<number, Process>();
  private readonly reserveId = () => this.files.reserveId();

  add(pid: number): Process {
    let process = this.byPid.get(pid);
    if (!process) {
      process = this.create(pid);
      this.byPid.set(pid, process);
      this.readMaps(process);
    }
    return process;
  }

  executed(pid: number): void {
    this.release(pid);
    this.add(pid);
  }

  /** All executable mappings, by address. For the unwinder's tables (unwind/load/loader.ts). */
  codeOf(pid: number): readonly Code[] {
    return this.byPid.get(pid)?.maps.all ?? [];
  }

  codeAt(pid: number, address: number): Code | null {
    return this.byPid.get(pid)?.maps.find(address) ?? null;
  }

  forked(pid: number, parentPid: number): void {
    const parent = this.byPid.get(parentPid);
    if (!parent || this.byPid.has(pid)) return void this.add(pid);
    this.byPid.set(pid, { ...this.create(pid), root: parent.root, maps: parent.maps.copy() });
  }

  mapped(pid: number, mapping: MappedCode): void {
    const process = this.add(pid);
    const known = process.maps.find(mapping.start);
    // What was read from /proc/PID/maps just before is told once more by the kernel.
    if (known && 'file' in known && known.file.path === mapping.path && known.file.fd !== null)
      if (known.end >= mapping.end && known.fileOffset + (mapping.start - known.start) === mapping.fileOffset) return;
    process.maps.add(this.code(process, { ...mapping, deleted: false }));
  }

  exited(pid: number): void {
    const process = this.byPid.get(pid);
    if (process) process.exited = true;
  }

  release(pid: number): void {
    const process = this.byPid.get(pid);
    this.byPid.delete(pid);
    if (process?.jit) this.droppedMaps.push(process.jit.map);
  }

  /**
   * Takes out what no process uses any more; the caller has workers forget it, then closes it. What `isAwaited` (a worker
   * still has to answer a question about it) stays until the next call.
   */
  takeUnused(isAwaited: (id: number) => boolean): { files: MappedFile[]; perfMaps: PerfMapFile[] } {
    const used = new Set<MappedFile>();
    for (const process of this.byPid.values())
      for (const code of process.maps.all) if ('file' in code) used.add(code.file);
    for (const file of this.files.all) if (isAwaited(file.id)) used.add(file);
    const nobody = this.byPid.size === 0;
    const files = this.files.takeUnused(used, nobody ? 0 : undefined);
    if (nobody) this.roots.close();
    const perfMaps = this.droppedMaps.filter(({ id }) => !isAwaited(id));
    this.droppedMaps = this.droppedMaps.filter(({ id }) => isAwaited(id));
    return { files, perfMaps };
  }

  releaseAll(): void {
    for (const pid of [...this.byPid.keys()]) this.release(pid);
  }

  get isEmpty(): boolean {
    return this.byPid.size === 0;
  }

  get hasUnused(): boolean {
    return this.byPid.size === 0 && (this.files.all.length > 0 || this.droppedMaps.length > 0);
  }

  find(pid: number, address: number): Place {
    const process = this.add(pid);
    let code = process.maps.find(address);
    if (!code && this.mayHelpToReread(process, address)) {
      this.readMaps(process);
      code = process.maps.find(address);
      process.rereadDelayMs = code ? REREAD_MAPS_MS : Math.min(process.rereadDelayMs * 2, MAX_REREAD_DELAY_MS);
    }
    if (code && 'file' in code)
      return { kind: 'file', file: code.file, offset: address - code.start + code.fileOffset };
    if (code && 'image' in code) return { kind: 'image', image: code.image, offset: address - code.start };
    if (code && code.name !== ANON) return { kind: 'unknown', name: code.name, offset: address - code.start };
    const jit = this.jitOf(process);
    return jit ? { kind: 'jit', jit, address } : { kind: 'unknown', name: ANON, offset: null };
  }

  /** Broken stacks hold numbers that are no addresses: looking for them again and again costs more than it gives. */
  private mayHelpToReread(process: Process, address: number): boolean {
    if (process.exited || address < LOWEST_ADDRESS) return false;
    return Date.now() - process.mapsReadAtMs >= process.rereadDelayMs;
  }

  jitChanged(pid: number): boolean {
    const process = this.byPid.get(pid);
    const sizeBytes = process ? (this.jitOf(process)?.sizeBytes ?? 0) : 0;
    if (!process || sizeBytes === process.toldJitBytes) return false;
    process.toldJitBytes = sizeBytes;
    return true;
  }

  private create(pid: number): Process {
    return {
      pid,
      root: this.roots.of(pid),
      maps: new MapsTable(),
      jit: null,
      toldJitBytes: 0,
      mapsReadAtMs: 0,
      rereadDelayMs: REREAD_MAPS_MS,
      jitTriedAtMs: 0,
      exited: false,
    };
  }

  private readMaps(process: Process): void {
    process.mapsReadAtMs = Date.now();
    const mappings = readMaps(process.pid);
    if (!mappings || mappings.length === 0) return;
    // On top of what was known: a library that was unloaded since may still be on stacks that arrive now.
    for (const m of mappings) if (m.executable) process.maps.add(this.code(process, { ...m, buildId: null }));
  }

  private code(process: Process, mapping: FileIdentity & { fileOffset: number }): Code {
    const { start, end, fileOffset, path } = mapping;
    if (path.startsWith('/') && !isGenerated(path)) {
      const file = this.files.open(process.exited ? null : process.pid, process.root, mapping);
      return { start, end, fileOffset, file };
    }
    if (path === '[vdso]') {
      const image = this.images.read(process.pid, start, end, this.reserveId);
      if (image) return { start, end, fileOffset: 0, image };
    }
    return { start, end, fileOffset, name: path.startsWith('[') && !path.startsWith(ANON.slice(0, -1)) ? path : ANON };
  }

  private jitOf(process: Process): JitCode | null {
    if (!process.jit && !process.exited && Date.now() - process.jitTriedAtMs >= JIT_RETRY_MS) {
      process.jitTriedAtMs = Date.now();
      const map = openPerfMap(process.pid, this.reserveId, (path, why) => this.distrusted.set(path, why));
      if (map) process.jit = { map, sizeBytes: 0 };
    }
    const { jit } = process;
    if (!jit) return null;
    const sizeBytes = perfMapSize(jit.map);
    if (sizeBytes !== jit.sizeBytes) process.jit = { map: jit.map, sizeBytes };
    return process.jit;
  }
}

/** Memory that just-in-time compilers write to, although it has a name like a file's. */
function isGenerated(path: string): boolean {
  return (
    path.startsWith('/memfd:') || path.startsWith('//anon') || path.startsWith('/dev/zero') || path.startsWith('/SYSV')
  );
}
