// Names for addresses: createSymbolizer() wires normalization (which needs the process and capabilities) to the workers
// (which parse files and have none). Called by the helper's main.ts once; see types.ts for what it promises.

import { closeSync, openSync } from 'node:fs';
import { openDebugFiles } from '../elf/debugFiles';
import type { DebugHandle, FileHandle } from '../elf/handles';
import { closeFile, type MappedFile } from '../process/files';
import type { JitCode } from '../process/generatedCode';
import { type Place, Processes } from '../process/processes';
import { openRegular } from '../process/roots';
import type { Address, MappedCode } from '../process/types';
import { Batches, type Subject } from './batches';
import { Downloads } from './debuginfod/downloads';
import { KernelFrames } from './kernel/frames';
import type { KernelTable } from './kernel/types';
import { offsetFrame, userFrames } from './labels';
import { MAX_UNNAMED_ADDRESSES } from './limits';
import { PendingStack } from './pendingStack';
import { WorkerPool } from './pool/pool';
import type { DebugSources, Frame, Symbolizer, SymbolizerOptions } from './types';

const CLOSE_UNUSED_DELAY_MS = 1_000;
const KERNEL_AFFINITY = 0;
const KERNEL_SYMBOLS = '/proc/kallsyms';

export function createSymbolizer(options: SymbolizerOptions): Symbolizer {
  return new FileSymbolizer(options);
}

class FileSymbolizer implements Symbolizer {
  private readonly processes = new Processes();
  private readonly pool: WorkerPool;
  private readonly batches: Batches;
  /** By what has the addresses: a file, an image, generated code as it is named now. */
  private readonly subjects = new WeakMap<object, Subject>();
  private readonly debugFiles = new Map<MappedFile, Promise<DebugHandle[]>>();
  private readonly sources: DebugSources = { folders: [], servers: [] };
  private readonly downloads: Downloads;
  private readonly retired: DebugHandle[] = [];
  private readonly unnamedFrames = new Map<string, Frame[]>();
  private readonly problems = new Map<string, string>();
  private readonly kernel = new KernelFrames(() => this.readKernelTable());
  private closing: NodeJS.Timeout | null = null;
  private ownKallsymsFd: number | null = null;

  constructor(private readonly options: SymbolizerOptions) {
    this.pool = new WorkerPool(options.workers, options.cacheDir);
    this.batches = new Batches(this.pool);
    this.downloads = new Downloads(options.cacheDir, options.log);
  }

  addDebugSources({ folders, servers }: DebugSources): void {
    const added = [
      ...addNew(this.sources.folders, folders),
      // Written with and without a slash at the end it is one server.
      ...addNew(
        this.sources.servers,
        servers.map((url) => url.replace(/\/+$/, '')),
      ),
    ];
    if (added.length === 0) return;
    this.downloads.setServers(this.sources.servers);
    void this.lookAgain();
  }

  addProcess(pid: number): void {
    this.processes.add(pid);
  }

  processExecuted(pid: number): void {
    this.processes.executed(pid);
    this.closeUnusedSoon();
  }

  processForked(pid: number, parentPid: number): void {
    this.processes.forked(pid, parentPid);
  }

  processMapped(pid: number, mapping: MappedCode): void {
    this.processes.mapped(pid, mapping);
  }

  processExited(pid: number): void {
    this.processes.exited(pid);
  }

  resolve(pid: number, kernel: Address[], user: Address[]): Frame[][] | Promise<Frame[][]> {
    const stack = new PendingStack(kernel.length + user.length);
    for (let i = 0; i < kernel.length; i++) this.kernel.ask(i === 0 ? kernel[i] : kernel[i] - 1, stack, i);
    for (let i = 0; i < user.length; i++) this.user(pid, i === 0 ? user[i] : user[i] - 1, stack, kernel.length + i);
    return stack.result();
  }

  jitChanged(pid: number): boolean {
    return this.processes.jitChanged(pid);
  }

  badFiles(): { path: string; why: string }[] {
    const bad = new Map([...this.problems, ...this.processes.distrusted]);
    for (const file of this.processes.files.all) if (file.why !== null) bad.set(file.path, file.why);
    return [...bad].map(([path, why]) => ({ path, why }));
  }

  release(pid: number): void {
    this.processes.release(pid);
    this.closeUnusedSoon();
  }

  async close(): Promise<void> {
    if (this.closing) clearTimeout(this.closing);
    this.downloads.close();
    await this.pool.close();
    this.processes.releaseAll();
    await this.closeUnused();
    for (const { fd } of this.retired.splice(0)) closeSync(fd);
    if (this.ownKallsymsFd !== null) closeSync(this.ownKallsymsFd);
    this.ownKallsymsFd = null;
  }

  private user(pid: number, address: Address, stack: PendingStack, index: number): void {
    const place = this.processes.find(pid, address);
    if (place.kind === 'unknown') {
      const isMemory = place.offset === null || !place.name.startsWith('[v');
      stack.frames[index] = this.unnamed(place.name, 'unknown', isMemory ? null : place.offset);
      return;
    }
    if (place.kind === 'file' && place.file.fd === null) {
      stack.frames[index] = this.unnamed(place.file.baseName, 'user', place.offset);
      return;
    }
    const subject = this.subjectOf(place);
    const within = place.kind === 'jit' ? place.address : place.offset;
    const known = subject.answers.get(within);
    if (known) stack.frames[index] = known;
    else this.batches.ask(subject, within, stack, index);
  }

  /** The same objects again for the same code, so that FrameTable knows them. */
  private unnamed(module: string, kind: Frame['kind'], offset: number | null): Frame[] {
    const key = `${offset} ${module}`;
    let frames = this.unnamedFrames.get(key);
    if (!frames) {
      if (this.unnamedFrames.size >= MAX_UNNAMED_ADDRESSES) this.unnamedFrames.clear();
      frames = [offsetFrame(module, kind, offset)];
      this.unnamedFrames.set(key, frames);
    }
    return frames;
  }

  private subjectOf(place: Exclude<Place, { kind: 'unknown' }>): Subject {
    const key = place.kind === 'file' ? place.file : place.kind === 'image' ? place.image : place.jit;
    let subject = this.subjects.get(key);
    if (!subject) {
      if (place.kind === 'file') subject = this.fileSubject(place.file);
      else if (place.kind === 'jit') subject = this.jitSubject(place.jit);
      else {
        const { id, bytes } = place.image;
        subject = {
          answers: new Map(),
          affinity: id,
          task: (positions) => ({ kind: 'image', imageId: id, bytes, positions }),
          frames: (offset, found) => userFrames('[vdso]', found, offset, null),
          problem: (why) => this.report('[vdso]', why),
        };
      }
      this.subjects.set(key, subject);
    }
    return subject;
  }

  private fileSubject(file: MappedFile): Subject {
    const { fd, path } = file;
    const handle: FileHandle = { id: file.id, fd: fd!, sizeBytes: file.sizeBytes, path };
    return {
      answers: new Map(),
      affinity: file.id,
      task: async (positions) => ({
        kind: 'symbolize',
        file: handle,
        debug: await this.debugFilesOf(file, handle),
        rootPrefix: file.root.prefix,
        expectedBuildId: file.expectedBuildId,
        positions,
      }),
      frames: (offset, found) => userFrames(file.baseName, found, offset, file.mtimeMs),
      problem: (why) => {
        if (file.why === null) this.options.log('warn', `symbols of ${path}: ${why}`);
        file.why ??= why;
      },
    };
  }

  /** Found once a file, when its first addresses come: the target's file system may be gone later. */
  private debugFilesOf(file: MappedFile, handle: FileHandle): Promise<DebugHandle[]> {
    let found = this.debugFiles.get(file);
    if (!found) {
      found = this.pool.request(file.id, { kind: 'describe', file: handle }).then(({ description }) => {
        if (!description?.wantsDebugFile) return [];
        const reserveId = () => this.processes.files.reserveId();
        const handles = openDebugFiles(file, description, reserveId, this.sources.folders);
        if (handles.length > 0 || description.buildId === null) return handles;
        return this.download(file, description.buildId, reserveId);
      });
      this.debugFiles.set(file, found);
    }
    return found;
  }

  private async download(file: MappedFile, buildId: string, reserveId: () => number): Promise<DebugHandle[]> {
    const { path, why } = await this.downloads.find(buildId, file.baseName);
    if (why !== null) file.why ??= `its debug file was not downloaded: ${why}`;
    const opened = path === null ? null : openRegular(path);
    if (path === null || !opened) return [];
    return [{ id: reserveId(), fd: opened.fd, sizeBytes: opened.sizeBytes, path, crc: null }];
  }

  /** There are more places for debug files than when these files were first asked about. */
  private async lookAgain(): Promise<void> {
    const files = [...this.debugFiles.keys()];
    const old = [...this.debugFiles.values()];
    this.debugFiles.clear();
    for (const file of files) this.subjects.get(file)?.answers.clear();
    // Questions under way may still name the debug files of before: those stay open to the end.
    for (const found of old) this.retired.push(...(await found.catch(() => [])));
    await this.pool.forget(files.map(({ id }) => id)).catch(() => {});
  }

  private jitSubject({ id, sources }: JitCode): Subject {
    return {
      answers: new Map(),
      affinity: id,
      task: (positions) => ({ kind: 'jit', sources, positions }),
      frames: (_, found) =>
        found[0]?.name ? userFrames('[jit]', found, null, null) : this.unnamed('[anon]', 'unknown', null),
      problem: (why) => this.report(sources[0].path, why),
    };
  }

  private async readKernelTable(): Promise<KernelTable | null> {
    try {
      const given = this.options.kallsymsFd ?? this.ownKallsymsFd;
      const fd = given ?? openSync(KERNEL_SYMBOLS, 'r');
      if (given === null) this.ownKallsymsFd = fd;
      const { kernelTable, problems } = await this.pool.request(KERNEL_AFFINITY, { kind: 'kernel', fd });
      for (const why of problems) this.report(KERNEL_SYMBOLS, why);
      return kernelTable;
    } catch (error) {
      this.report(KERNEL_SYMBOLS, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  private report(path: string, why: string): void {
    if (!this.problems.has(path)) this.options.log('warn', `symbols of ${path}: ${why}`);
    this.problems.set(path, why);
  }

  private closeUnusedSoon(): void {
    if (this.closing) return;
    this.closing = setTimeout(() => {
      this.closing = null;
      void this.closeUnused();
      if (this.processes.hasUnused) this.closeUnusedSoon();
    }, CLOSE_UNUSED_DELAY_MS);
    this.closing.unref();
  }

  private async closeUnused(): Promise<void> {
    if (this.processes.isEmpty) this.kernel.forget();
    const { files, jit } = this.processes.takeUnused((id) => this.batches.isAwaited(id));
    const debug = await Promise.all(
      files.map(async (file) => {
        const handles = await this.debugFiles.get(file)?.catch(() => []);
        this.debugFiles.delete(file);
        return handles ?? [];
      }),
    );
    const handles = [...debug.flat(), ...jit];
    await this.pool.forget([...files, ...handles].map(({ id }) => id)).catch(() => {});
    for (const { fd } of handles) closeSync(fd);
    for (const file of files) closeFile(file);
  }
}

/** Appends what is not in the list yet; returns it. */
function addNew(list: string[], more: readonly string[]): string[] {
  const added = [...new Set(more)].filter((one) => !list.includes(one));
  list.push(...added);
  return added;
}
