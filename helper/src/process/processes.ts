// (pid, address) -> what is mapped there: a file and the offset in it, the vdso, code that was generated at run time, or
// nothing known. Needs the process, not the contents of files; those are the workers'.

import type { FileStore } from './fileStore';
import type { MappedFile } from './files';
import type { JitCode, JitState } from './generatedCode';
import type { Image } from './images';
import { REREAD_MAPS_MS } from './limits';
import { type Mapping, readMaps } from './maps';
import { type AddressRange, MapsTable } from './mapsTable';
import { MovedText, type TextPiece } from './movedText';
import { type FileIdentity, isElf } from './openMapped';
import { type Program, programOf } from './programName';
import type { Root } from './roots';
import { questionsAbout } from './textCandidates';
import type { MappedCode } from './types';

export type Place =
  /** `module`: what the file is called in that process. */
  | { kind: 'file'; file: MappedFile; module: string; offset: number }
  | { kind: 'image'; image: Image; offset: number }
  | { kind: 'jit'; jit: JitCode; address: number }
  /** `name` as the maps have it: `[vsyscall]`, `[anon]`. */
  | { kind: 'unknown'; name: string; offset: number | null };

export type Code = AddressRange & ({ file: MappedFile; module?: string } | { image: Image } | { name: string });

type MovedCode = AddressRange & { file: MappedFile; module?: string };

interface Process {
  pid: number;
  root: Root;
  maps: MapsTable<Code>;
  /** Of `maps`: code of files that lies in memory of none. */
  moved: MovedCode[];
  /** Starts of memory that was asked about. */
  asked: Set<number>;
  /** Where its program runs under another name than its file has; undefined: not asked yet. */
  program: Program | null | undefined;
  /** Null until it has code that was generated at run time. */
  jit: JitState | null;
  mapsReadAtMs: number;
  rereadDelayMs: number;
  exited: boolean;
}

const ANON = '[anon]';
/** Mapped executable as a mark for perf: see symbolize/jitdump/. JavaScriptCore's have a number before that of the process. */
const JITDUMP = /\/jit-(?:\d+-)?\d+\.dump$/;
const MAX_REREAD_DELAY_MS = 10_000;
/** Default vm.mmap_min_addr. */
const LOWEST_ADDRESS = 65_536;
const MAX_ASKED = 1_024;

/** Of the processes of one table, which says when they begin and end. */
export class Processes {
  private readonly byPid = new Map<number, Process>();
  private readonly movedText: MovedText;

  /** `codeFound`: what was memory of no file turned out to be code of one. */
  constructor(
    private readonly store: FileStore,
    private readonly codeFound: (pid: number) => void,
  ) {
    this.movedText = new MovedText(
      () => store.textReader,
      ({ pid }, file, piece) => this.recognized(pid, file, piece),
    );
    store.addReader(this.movedText);
  }

  add(pid: number): Process {
    let process = this.byPid.get(pid);
    if (!process) {
      process = this.create(pid);
      this.byPid.set(pid, process);
      this.readMaps(process);
    }
    return process;
  }

  /** On top of what is known. */
  reread(pid: number): void {
    const known = this.byPid.get(pid);
    if (known) this.readMaps(known);
    else this.add(pid);
  }

  executed(pid: number): void {
    this.release(pid);
    this.add(pid);
  }

  /** All executable mappings, by address. */
  codeOf(pid: number): readonly Code[] {
    return this.byPid.get(pid)?.maps.all ?? [];
  }

  codeAt(pid: number, address: number): Code | null {
    return this.byPid.get(pid)?.maps.find(address) ?? null;
  }

  forked(pid: number, parentPid: number): void {
    const parent = this.byPid.get(parentPid);
    if (!parent || this.byPid.has(pid)) return void this.add(pid);
    const { root, maps, moved, program } = parent;
    const jit = parent.jit && this.store.generated.inherit(pid, root, parent.jit);
    this.byPid.set(pid, { ...this.create(pid), root, maps: maps.copy(), moved, program, jit });
  }

  mapped(pid: number, mapping: MappedCode): void {
    const process = this.add(pid);
    const known = process.maps.find(mapping.start);
    if (known && isSame(known, mapping) && 'file' in known)
      if (known.file.fd !== null && !this.store.files.isRefused(known.file)) return;
    const covered = process.maps.overlapping(mapping.start, mapping.end);
    process.moved = process.moved.filter(({ start, end }) => start >= mapping.end || end <= mapping.start);
    const code = this.code(process, { ...mapping, deleted: false });
    process.maps.add(code);
    if (!('name' in code) || code.name !== ANON) return;
    // It took the place of a file's code: with the same code, maybe.
    const { start, end } = mapping;
    const candidates = covered.flatMap((old) =>
      'file' in old ? [{ file: old.file, anchor: { start: old.start, fileOffset: old.fileOffset } }] : [],
    );
    this.movedText.ask({ pid, ranges: [{ start, end }], candidates });
  }

  /** Is there other code by now where this is mapped? */
  replaces(pid: number, mapping: MappedCode): boolean {
    const covered = this.byPid.get(pid)?.maps.overlapping(mapping.start, mapping.end) ?? [];
    return covered.some((code) => !isSame(code, mapping));
  }

  exited(pid: number): void {
    const process = this.byPid.get(pid);
    if (!process || process.exited) return;
    process.exited = true;
    if (process.jit) this.store.generated.ended(process.jit);
  }

  release(pid: number): void {
    const process = this.byPid.get(pid);
    this.byPid.delete(pid);
    if (process?.jit) this.store.generated.release(process.jit);
  }

  *usedFiles(): Iterable<MappedFile> {
    for (const process of this.byPid.values()) for (const code of process.maps.all) if ('file' in code) yield code.file;
  }

  replaceFile(file: MappedFile, by: MappedFile): void {
    for (const process of this.byPid.values()) {
      const pieces = process.maps.all.filter((code) => 'file' in code && code.file === file);
      for (const piece of pieces) process.maps.add({ ...piece, file: by });
      if (pieces.length > 0 && !process.exited) this.codeFound(process.pid);
    }
  }

  close(): void {
    this.movedText.close();
    this.store.removeReader(this.movedText);
    for (const pid of [...this.byPid.keys()]) this.release(pid);
  }

  find(pid: number, address: number): Place {
    const process = this.add(pid);
    let code = process.maps.find(address);
    if (!code && this.mayHelpToReread(process, address)) {
      this.readMaps(process);
      code = process.maps.find(address);
      process.rereadDelayMs = code ? REREAD_MAPS_MS : Math.min(process.rereadDelayMs * 2, MAX_REREAD_DELAY_MS);
    }
    if (code && 'file' in code) return placeInFile(code, address);
    if (code && 'image' in code) return { kind: 'image', image: code.image, offset: address - code.start };
    if (code && code.name !== ANON) return { kind: 'unknown', name: code.name, offset: address - code.start };
    if (!process.exited) this.expectGenerated(process);
    const jit = process.jit && this.store.generated.current(process.jit);
    return jit ? { kind: 'jit', jit, address } : { kind: 'unknown', name: ANON, offset: null };
  }

  /** Broken stacks hold numbers that are no addresses: looking for them again and again costs more than it gives. */
  private mayHelpToReread(process: Process, address: number): boolean {
    if (process.exited || address < LOWEST_ADDRESS) return false;
    return Date.now() - process.mapsReadAtMs >= process.rereadDelayMs;
  }

  /** Is there a file that names code which the process generated? */
  namesGeneratedCode(pid: number): boolean {
    const jit = this.byPid.get(pid)?.jit;
    return (jit && this.store.generated.current(jit)?.sources.some(({ sizeBytes }) => sizeBytes > 0)) ?? false;
  }

  jitChanged(pid: number): boolean {
    const jit = this.byPid.get(pid)?.jit;
    return jit ? this.store.generated.changed(jit) : false;
  }

  /** In children that were forked meanwhile, too. */
  private recognized(pid: number, file: MappedFile, { start, end, fileOffset }: TextPiece): void {
    const asked = this.byPid.get(pid);
    const before = asked?.maps.find(start);
    if (!asked || !isNameless(asked, { start, end })) return;
    for (const process of this.byPid.values()) {
      if (process.maps.find(start) !== before || !isNameless(process, { start, end })) continue;
      const piece = { start, end, fileOffset, file, module: this.moduleOf(process, file.path) };
      process.maps.add(piece);
      process.moved = [...process.moved, piece];
      if (!process.exited) this.codeFound(process.pid);
    }
  }

  private create(pid: number): Process {
    return {
      pid,
      root: this.store.roots.of(pid),
      maps: new MapsTable(),
      moved: [],
      asked: new Set(),
      program: undefined,
      jit: null,
      mapsReadAtMs: 0,
      rereadDelayMs: REREAD_MAPS_MS,
      exited: false,
    };
  }

  private readMaps(process: Process): void {
    process.mapsReadAtMs = Date.now();
    const mappings = readMaps(process.pid);
    if (!mappings || mappings.length === 0) return;
    // On top of what was known: a library that was unloaded since may still be on stacks that arrive now.
    for (const m of mappings) if (m.executable) process.maps.add(this.code(process, { ...m, buildId: null }));
    process.moved = process.moved.filter((piece) => isNameless(process, piece));
    for (const piece of process.moved) process.maps.add(piece);
    const isNew = (range: Mapping) => !process.asked.has(range.start) && isNameless(process, range);
    for (const question of questionsAbout(process.pid, process.root, mappings, isNew, this.store)) {
      if (process.asked.size > MAX_ASKED) process.asked.clear();
      for (const { start } of question.ranges) process.asked.add(start);
      this.movedText.ask(question);
    }
  }

  private code(process: Process, mapping: FileIdentity & { fileOffset: number }): Code {
    const { start, end, fileOffset, path } = mapping;
    if (path.startsWith('/')) {
      const pid = process.exited ? null : process.pid;
      const { files } = this.store;
      if (!isMemory(path)) {
        const file = files.open(pid, process.root, mapping);
        if (JITDUMP.test(path) && file.fd !== null) this.mapsDump(process, path, file.fd);
        return { start, end, fileOffset, file, module: this.moduleOf(process, path) };
      }
      const file = files.tryOpen(pid, process.root, mapping);
      if (typeof file !== 'string' && isElf(file.fd!)) return { start, end, fileOffset, file };
    }
    if (path === '[vdso]') {
      const image = this.store.images.read(process.pid, start, end, this.store.reserveId);
      if (image) return { start, end, fileOffset: 0, image };
    }
    const name = path.startsWith('[') && !path.startsWith(ANON.slice(0, -1)) ? path : ANON;
    if (name === ANON && !process.exited) this.expectGenerated(process);
    return { start, end, fileOffset, name };
  }

  /** Undefined: its file's own name. */
  private moduleOf(process: Process, path: string): string | undefined {
    if (process.program === undefined && !process.exited) process.program = programOf(process.pid, process.root);
    return process.program?.path === path ? process.program.name : undefined;
  }

  private mapsDump(process: Process, path: string, fd: number): void {
    this.expectGenerated(process);
    if (process.jit) this.store.generated.mapsDump(process.jit, path, fd);
  }

  /** Who it is must be known before it ends: its names may come only then. */
  private expectGenerated(process: Process): void {
    process.jit ??= this.store.generated.begin(process.pid, process.root, (pid) => this.byPid.get(pid)?.jit ?? null);
  }
}

function placeInFile({ file, module, start, fileOffset }: MovedCode, address: number): Place {
  return { kind: 'file', file, module: module ?? file.baseName, offset: address - start + fileOffset };
}

/** What was read from /proc/PID/maps just before is told once more by the kernel. */
function isSame(code: Code, { start, end, fileOffset, path }: MappedCode): boolean {
  if (!('file' in code) || code.file.path !== path) return false;
  return code.end >= end && code.fileOffset + (start - code.start) === fileOffset;
}

/** Is all of it executable memory of no file? */
function isNameless({ maps }: Process, { start, end }: { start: number; end: number }): boolean {
  const there = maps.overlapping(start, end);
  return there.length > 0 && there.every((code) => 'name' in code && code.name === ANON);
}

/** Has a name like a file's, but is memory: just-in-time compilers write to it, or a program was put there to be executed. */
function isMemory(path: string): boolean {
  return (
    path.startsWith('/memfd:') ||
    path.startsWith('//anon') ||
    path.startsWith('/anon_hugepage') ||
    path.startsWith('/dev/zero') ||
    path.startsWith('/SYSV')
  );
}
