// A symbolizer and the one process table that it is asked by, as a recording has them: for tests that tell of processes and ask
// for names.

import { FileStore } from '../../../src/process/fileStore';
import { ProcessTable } from '../../../src/process/table';
import type { Address, MappedCode } from '../../../src/process/types';
import type { Frame } from '../../../src/runtimes/frame';
import { createSymbolizer } from '../../../src/symbolize';
import type { DebugSources, SymbolizerOptions } from '../../../src/symbolize/types';

export class TracedSymbolizer {
  readonly files = new FileStore();
  readonly processes = new ProcessTable(this.files);
  private readonly symbolizer;

  constructor(options: Omit<SymbolizerOptions, 'files'>) {
    this.symbolizer = createSymbolizer({ ...options, files: this.files });
  }

  addDebugSources(sources: DebugSources): void {
    this.symbolizer.addDebugSources(sources);
  }

  addProcess(pid: number): void {
    this.processes.add(pid);
  }

  processForked(pid: number, parentPid: number): void {
    this.processes.record({ kind: 'fork', timeNs: 0, pid, parentPid });
  }

  processExecuted(pid: number): void {
    this.processes.record({ kind: 'exec', timeNs: 0, pid, name: '' });
  }

  processMapped(pid: number, mapping: MappedCode): void {
    this.processes.announce(pid);
    this.processes.record({ kind: 'mmap', timeNs: 0, pid, mapping });
  }

  processExited(pid: number): void {
    this.processes.announce(pid);
    this.processes.record({ kind: 'exit', timeNs: 0, pid });
  }

  /** Resolves when a process that ended is no longer known. */
  async forgotten(pid: number): Promise<void> {
    while (this.processes.isKnown(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  resolve(pid: number, kernel: Address[], user: Address[], exact: number[] = []): Frame[][] | Promise<Frame[][]> {
    return this.symbolizer.resolve(this.processes, pid, kernel, user, exact);
  }

  jitChanged(pid: number): boolean {
    return this.processes.takeRenamed().includes(pid);
  }

  badFiles(): { path: string; why: string }[] {
    return this.symbolizer.badFiles();
  }

  async close(): Promise<void> {
    this.processes.close();
    await this.symbolizer.close();
    await this.files.close();
  }
}
