// Names for addresses: createSymbolizer() wires normalization (which needs the process and capabilities) to the workers
// (which parse files and have none). Called by the helper's main.ts once; see types.ts for what it promises.

import { closeSync, openSync } from 'node:fs';
import type { Address, MappedCode } from '../stack/types';
import { Batches, type Subject } from './batches';
import { kernelFrame, offsetFrame, userFrames } from './labels';
import { openDebugFiles } from './normalize/debugFiles';
import { closeFile, type MappedFile } from './normalize/files';
import { type JitCode, type Place, Processes } from './normalize/processes';
import type { DebugHandle, FileHandle } from './pool/messages';
import { WorkerPool } from './pool/pool';
import type { Frame, Symbolizer, SymbolizerOptions } from './types';

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
  private readonly subjects = new WeakMap<Map<number, Frame[]>, Subject>();
  private readonly debugFiles = new Map<MappedFile, Promise<DebugHandle[]>>();
  private readonly problems = new Map<string, string>();
  private readonly kernel: Subject;
  private closing: NodeJS.Timeout | null = null;
  private ownKallsymsFd: number | null = null;

  constructor(private readonly options: SymbolizerOptions) {
    this.pool = new WorkerPool(options.workers, options.cacheDir);
    this.batches = new Batches(this.pool);
    this.kernel = this.kernelSubject();
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

  async resolve(pid: number, kernel: Address[], user: Address[]): Promise<Frame[][]> {
    // All places are found before the first wait: they are those of this moment.
    const answers = [
      ...kernel.map((address, i) => this.batches.ask(this.kernel, i === 0 ? address : address - 1)),
      ...user.map((address, i) => this.user(pid, i === 0 ? address : address - 1)),
    ];
    return Promise.all(answers);
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
    await this.pool.close();
    this.processes.releaseAll();
    await this.closeUnused();
    if (this.ownKallsymsFd !== null) closeSync(this.ownKallsymsFd);
    this.ownKallsymsFd = null;
  }

  private user(pid: number, address: Address): Frame[] | Promise<Frame[]> {
    const place = this.processes.find(pid, address);
    switch (place.kind) {
      case 'unknown': {
        const isMemory = place.offset === null || !place.name.startsWith('[v');
        return [offsetFrame(place.name, 'unknown', isMemory ? null : place.offset)];
      }
      case 'file':
        if (place.file.fd === null) return [offsetFrame(place.file.baseName, 'user', place.offset)];
        return this.batches.ask(this.subjectOf(place), place.offset);
      case 'image':
        return this.batches.ask(this.subjectOf(place), place.offset);
      case 'jit':
        return this.batches.ask(this.subjectOf(place), place.address);
    }
  }

  private subjectOf(place: Exclude<Place, { kind: 'unknown' }>): Subject {
    const answers =
      place.kind === 'file' ? place.file.answers : place.kind === 'image' ? place.image.answers : place.jit.answers;
    let subject = this.subjects.get(answers);
    if (!subject) {
      if (place.kind === 'file') subject = this.fileSubject(place.file);
      else if (place.kind === 'jit') subject = this.jitSubject(place.jit);
      else {
        const { id, bytes } = place.image;
        subject = {
          answers,
          affinity: id,
          task: (offsets) => ({ kind: 'image', imageId: id, bytes, offsets }),
          frames: (offset, found) => userFrames('[vdso]', found, offset, null),
          problem: (why) => this.report('[vdso]', why),
        };
      }
      this.subjects.set(answers, subject);
    }
    return subject;
  }

  private fileSubject(file: MappedFile): Subject {
    const { fd, path } = file;
    const handle: FileHandle = { id: file.id, fd: fd!, sizeBytes: file.sizeBytes, path };
    return {
      answers: file.answers,
      affinity: file.id,
      task: async (offsets) => ({
        kind: 'symbolize',
        file: handle,
        debug: await this.debugFilesOf(file, handle),
        expectedBuildId: file.expectedBuildId,
        offsets,
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
        return openDebugFiles(file, description, () => this.processes.files.reserveId());
      });
      this.debugFiles.set(file, found);
    }
    return found;
  }

  private jitSubject({ map, sizeBytes, answers }: JitCode): Subject {
    return {
      answers,
      affinity: map.id,
      task: (addresses) => ({ kind: 'perfMap', mapId: map.id, fd: map.fd, sizeBytes, addresses }),
      frames: (_, found) =>
        found[0]?.name ? userFrames('[jit]', found, null, null) : [offsetFrame('[anon]', 'unknown', null)],
      problem: (why) => this.report(map.path, why),
    };
  }

  private kernelSubject(): Subject {
    return {
      answers: new Map(),
      affinity: KERNEL_AFFINITY,
      task: (addresses) => {
        const given = this.options.kallsymsFd ?? this.ownKallsymsFd;
        const fd = given ?? openSync('/proc/kallsyms', 'r');
        if (given === null) this.ownKallsymsFd = fd;
        return { kind: 'kernel', fd, addresses };
      },
      frames: (address, [found]) => [kernelFrame(address, found ?? null)],
      problem: (why) => this.report(KERNEL_SYMBOLS, why),
    };
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
    const { files, perfMaps } = this.processes.takeUnused((id) => this.batches.isAwaited(id));
    const debug = await Promise.all(
      files.map(async (file) => {
        const handles = await this.debugFiles.get(file)?.catch(() => []);
        this.debugFiles.delete(file);
        return handles ?? [];
      }),
    );
    const handles = [...debug.flat(), ...perfMaps];
    await this.pool.forget([...files, ...handles].map(({ id }) => id)).catch(() => {});
    for (const { fd } of handles) closeSync(fd);
    for (const file of files) closeFile(file);
  }
}
