// The processes of one recording: which live and which have ended, what is mapped in them, whose code has changed under stacks
// that are known. The engine tells it what the kernel says, in order of time; unwinding, symbolizing and the recording ask it.
// A process that ended stays for a while, because samples of its last moments, and names of its last stacks, are still to come.

import type { FileHolder, FileStore } from './fileStore';
import type { MappedFile } from './files';
import { type Code, type Place, Processes } from './processes';
import type { Address, MappedCode, ProcessRecord } from './types';

/** For so long after its exit a process may still do kernel work that counts for it, and its samples may be drained. */
const EXITED_KEPT_MS = 2_000;

interface Lifetime {
  exitedAtMs: number | null;
  /** Who still asks about it, although it may have ended: stacks that wait for their names. */
  holds: number;
}

export class ProcessTable implements FileHolder {
  private readonly processes: Processes;
  private readonly lifetimes = new Map<number, Lifetime>();
  /** Since the last takeRemapped. */
  private readonly remapped = new Set<number>();
  private readonly executed = new Set<number>();
  private readonly forgotten: ((pid: number) => void)[] = [];
  private readonly codeFound: ((pid: number) => void)[] = [];
  private readonly recorded: ((record: ProcessRecord) => void)[] = [];
  private forgetting: NodeJS.Timeout | null = null;

  constructor(readonly files: FileStore) {
    this.processes = new Processes(files, (pid) => {
      this.remapped.add(pid);
      for (const listener of this.codeFound) listener(pid);
    });
  }

  // ---- who lives ----

  /** It lives, but what it has mapped is of no interest before its next exec. */
  announce(pid: number): void {
    if (!this.isAlive(pid)) this.begin(pid);
  }

  /** Reads what it has mapped now, where that is not known yet. */
  add(pid: number): void {
    this.announce(pid);
    this.processes.add(pid);
  }

  /** What it may have mapped before the kernel's records of mappings arrived. */
  reread(pid: number): void {
    this.announce(pid);
    this.processes.reread(pid);
  }

  record(record: ProcessRecord): void {
    this.apply(record);
    for (const listener of this.recorded) listener(record);
  }

  private apply(record: ProcessRecord): void {
    const { pid } = record;
    switch (record.kind) {
      case 'fork':
        if (this.isAlive(pid)) return;
        this.begin(pid);
        this.processes.forked(pid, record.parentPid);
        return;
      case 'exec':
        this.announce(pid);
        this.executed.add(pid);
        this.processes.executed(pid);
        this.files.closeUnusedSoon();
        return;
      case 'mmap':
        if (!this.isAlive(pid)) return;
        this.remapped.add(pid);
        this.processes.mapped(pid, record.mapping);
        return;
      // As if it had ended: what is known of it until now may be told.
      case 'refused':
      case 'exit':
        this.end(pid);
    }
  }

  isAlive(pid: number): boolean {
    return this.lifetimes.get(pid)?.exitedAtMs === null;
  }

  /** Alive, or ended a moment ago. */
  isKnown(pid: number): boolean {
    return this.lifetimes.has(pid);
  }

  *alive(): Iterable<number> {
    for (const [pid, { exitedAtMs }] of this.lifetimes) if (exitedAtMs === null) yield pid;
  }

  /** Keeps what is known of a process until the returned function is called. */
  hold(pid: number): () => void {
    const lifetime = this.lifetimes.get(pid);
    if (!lifetime) return () => {};
    lifetime.holds++;
    return () => {
      lifetime.holds--;
    };
  }

  /** Calls `listener` with each record, once the table knows what it says. */
  onRecord(listener: (record: ProcessRecord) => void): void {
    this.recorded.push(listener);
  }

  /** Calls `listener` with each process that is forgotten, some seconds after its end. */
  onForgotten(listener: (pid: number) => void): void {
    this.forgotten.push(listener);
  }

  /** Calls `listener` with each living process of which more code is known, although it mapped nothing. */
  onCodeFound(listener: (pid: number) => void): void {
    this.codeFound.push(listener);
  }

  // ---- what is mapped ----

  /** All executable mappings, by address. */
  codeOf(pid: number): readonly Code[] {
    return this.processes.codeOf(pid);
  }

  codeAt(pid: number, address: Address): Code | null {
    return this.processes.codeAt(pid, address);
  }

  /** Would this mapping take the place of other code? Asked before the table hears of it. */
  replacesCode(pid: number, mapping: MappedCode): boolean {
    return this.processes.replaces(pid, mapping);
  }

  /** What an address of a stack is of. Looks once more at what is mapped where nothing explains it. */
  find(pid: number, address: Address): Place {
    if (!this.isKnown(pid)) this.begin(pid);
    return this.processes.find(pid, address);
  }

  // ---- whose code has changed ----

  /** Living processes that mapped code since the last call, other than by an exec: BPF must take their stacks for new ones. */
  takeRemapped(): number[] {
    const changed = [...this.remapped].filter((pid) => !this.executed.has(pid) && this.isAlive(pid));
    this.remapped.clear();
    this.executed.clear();
    return changed;
  }

  /** Living processes whose code changed behind the kernel's back (their perf map grew) since the last call. */
  takeRenamed(): number[] {
    return [...this.alive()].filter((pid) => this.processes.jitChanged(pid));
  }

  /** Is there a file (perf map, jitdump) that names code which the process generated? */
  namesGeneratedCode(pid: number): boolean {
    return this.processes.namesGeneratedCode(pid);
  }

  // ---- for the files ----

  get isEmpty(): boolean {
    return this.lifetimes.size === 0;
  }

  usedFiles(): Iterable<MappedFile> {
    return this.processes.usedFiles();
  }

  replaceFile(file: MappedFile, by: MappedFile): void {
    this.processes.replaceFile(file, by);
  }

  /** The recording has ended: nothing is asked any more. */
  close(): void {
    if (this.forgetting) clearTimeout(this.forgetting);
    this.forgetting = null;
    this.lifetimes.clear();
    this.processes.close();
    this.files.removeHolder(this);
  }

  private begin(pid: number): void {
    // A pid may be given to a new process soon after its old one ended.
    if (this.lifetimes.has(pid)) this.processes.release(pid);
    this.files.addHolder(this);
    this.lifetimes.set(pid, { exitedAtMs: null, holds: 0 });
  }

  private end(pid: number): void {
    const lifetime = this.lifetimes.get(pid);
    if (!lifetime || lifetime.exitedAtMs !== null) return;
    lifetime.exitedAtMs = performance.now();
    this.processes.exited(pid);
    this.forgetSoon();
  }

  private forgetSoon(): void {
    if (this.forgetting) return;
    this.forgetting = setTimeout(() => {
      this.forgetting = null;
      this.forgetEnded();
    }, EXITED_KEPT_MS);
    this.forgetting.unref();
  }

  private forgetEnded(): void {
    const before = performance.now() - EXITED_KEPT_MS;
    let left = false;
    for (const [pid, { exitedAtMs, holds }] of this.lifetimes) {
      if (exitedAtMs === null) continue;
      if (exitedAtMs > before || holds > 0) {
        left = true;
        continue;
      }
      this.lifetimes.delete(pid);
      for (const listener of this.forgotten) listener(pid);
      this.processes.release(pid);
    }
    if (left) this.forgetSoon();
    this.files.closeUnusedSoon();
  }
}
