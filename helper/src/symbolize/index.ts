// Names for addresses: createSymbolizer() wires the process table (which knows what is mapped where, and holds capabilities) to
// the workers (which parse files and have none). Made once for a helper; see types.ts for what it promises.

import { closeSync, openSync } from 'node:fs';
import { OTHER_BUILD } from '../elf/buildCheck';
import type { FileReader, OpenHandle } from '../process/fileStore';
import type { MappedFile } from '../process/files';
import type { Anchor, MemoryRange, TextPiece, TextReader } from '../process/movedText';
import { closeTouched } from '../process/patience';
import type { ProcessTable } from '../process/table';
import type { Address } from '../process/types';
import type { Frame, FrameKind } from '../runtimes/frame';
import { Batches } from './batches';
import { KernelFrames } from './kernel/frames';
import type { KernelTable } from './kernel/types';
import { offsetFrame } from './labels';
import { MAX_UNNAMED_ADDRESSES } from './limits';
import { PendingStack } from './pendingStack';
import { WorkerPool } from './pool/pool';
import { SeparateDebug } from './separateDebug';
import { Subjects } from './subjects';
import type { DebugSources, Symbolizer, SymbolizerOptions } from './types';

const KERNEL_AFFINITY = 0;
const KERNEL_SYMBOLS = '/proc/kallsyms';

export function createSymbolizer(options: SymbolizerOptions): Symbolizer {
  return new FileSymbolizer(options);
}

class FileSymbolizer implements Symbolizer, FileReader, TextReader {
  private readonly pool: WorkerPool;
  private readonly batches: Batches;
  private readonly debug: SeparateDebug;
  private readonly subjects: Subjects;
  private readonly unnamedFrames = new Map<string, Frame[]>();
  private readonly problems = new Map<string, string>();
  private readonly kernel = new KernelFrames(() => this.readKernelTable());
  private ownKallsymsFd: number | null = null;

  constructor(private readonly options: SymbolizerOptions) {
    this.pool = new WorkerPool(options.workers, options.cacheDir);
    this.batches = new Batches(this.pool);
    this.debug = new SeparateDebug(this.pool, options);
    this.subjects = new Subjects(
      this.debug,
      (of, why) => this.report(of, why),
      () => this.unnamed('[anon]', 'unknown', null),
    );
    options.files.addReader(this);
    options.files.textReader = this;
  }

  addDebugSources(sources: DebugSources): void {
    if (this.debug.addSources(sources)) void this.debug.retire((files) => this.subjects.forgetAnswers(files));
  }

  resolve(
    processes: ProcessTable,
    pid: number,
    kernel: Address[],
    user: Address[],
    exact: readonly number[] = [],
  ): Frame[][] | Promise<Frame[][]> {
    const stack = new PendingStack(kernel.length + user.length);
    // Return addresses lie behind the call, perhaps in the next function.
    const back = (i: number, at: number) => (i === 0 || exact.includes(at) ? 0 : 1);
    for (let i = 0; i < kernel.length; i++) this.kernel.ask(kernel[i] - back(i, i), stack, i);
    for (let i = 0; i < user.length; i++) {
      const at = kernel.length + i;
      this.user(processes, pid, user[i] - back(i, at), stack, at);
    }
    return stack.result();
  }

  badFiles(): { path: string; why: string }[] {
    const { files, distrusted } = this.options.files;
    const bad = new Map([...this.problems, ...distrusted]);
    for (const file of files.all) if (file.why !== null) bad.set(file.path, file.why);
    return [...bad].map(([path, why]) => ({ path, why }));
  }

  async close(): Promise<void> {
    this.debug.stopDownloads();
    await this.pool.close();
    this.debug.closeAll();
    if (this.ownKallsymsFd !== null) closeSync(this.ownKallsymsFd);
    this.ownKallsymsFd = null;
  }

  // ---- TextReader ----

  async piecesOf(file: MappedFile, anchor: Anchor, ranges: readonly MemoryRange[]): Promise<TextPiece[]> {
    const { id, fd, sizeBytes, path } = file;
    if (fd === null) return [];
    return (await this.pool.request(id, { kind: 'text', file: { id, fd, sizeBytes, path }, anchor, ranges })).text;
  }

  // ---- FileReader ----

  needs(id: number): boolean {
    return this.batches.isAwaited(id);
  }

  async forget(files: readonly MappedFile[], others: readonly OpenHandle[]): Promise<void> {
    const debug = await this.debug.take(files);
    await this.pool.forget([...files, ...debug, ...others].map(({ id }) => id)).catch(() => {});
    for (const { fd } of debug) closeTouched(fd);
  }

  nobodyLeft(): void {
    this.kernel.forget();
  }

  private user(processes: ProcessTable, pid: number, address: Address, stack: PendingStack, index: number): void {
    const place = processes.find(pid, address);
    if (place.kind === 'unknown') {
      const isMemory = place.offset === null || !place.name.startsWith('[v');
      stack.frames[index] = this.unnamed(place.name, 'unknown', isMemory ? null : place.offset);
      return;
    }
    if (place.kind === 'file' && place.file.fd === null) {
      stack.frames[index] = this.unnamed(place.module, 'native', place.offset);
      return;
    }
    const subject = this.subjects.of(place);
    const within = place.kind === 'jit' ? place.address : place.offset;
    const known = subject.answers.get(within);
    if (known) stack.frames[index] = known;
    else this.batches.ask(subject, within, stack, index);
  }

  /** The same objects again for the same code, so that FrameTable knows them. */
  private unnamed(module: string, kind: FrameKind, offset: number | null): Frame[] {
    const key = `${offset} ${module}`;
    let frames = this.unnamedFrames.get(key);
    if (!frames) {
      if (this.unnamedFrames.size >= MAX_UNNAMED_ADDRESSES) this.unnamedFrames.clear();
      frames = [offsetFrame(module, kind, offset)];
      this.unnamedFrames.set(key, frames);
    }
    return frames;
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

  /** In the log once. */
  private report(of: MappedFile | string, why: string): void {
    const path = typeof of === 'string' ? of : of.path;
    const isNew = typeof of === 'string' ? !this.problems.has(of) : of.why === null;
    if (isNew) this.options.log('warn', `symbols of ${path}: ${why}`);
    if (typeof of === 'string') this.problems.set(of, why);
    else if (why === OTHER_BUILD) this.options.files.refuse(of, why);
    else of.why ??= why;
  }
}
