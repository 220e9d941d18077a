// TLS libraries in the targets: looks for them in every file with code that a target has mapped, and probes them in each process that
// has one, as soon as it has it.

import type { MappedFile } from '../../process/files';
import type { ProcessTable } from '../../process/table';
import type { AttachStep } from '../../protocol';
import type { AttachUprobes } from '../traceObject';
import { PointFinder } from './pointFinder';
import type { ProbePoints } from './probePoints';

/** Which of the object's programs belongs at which points. */
const PROGRAMS = { copies: 'http_tls_read', writes: 'http_tls_write', peeks: 'http_tls_peek' } as const;
type PointKind = keyof typeof PROGRAMS;
export const TLS_PROGRAMS: readonly string[] = Object.values(PROGRAMS);

/** The number of a library in a probe's cookie: 16 bits below it count the points. */
const LIBRARY_SHIFT = 16n;
const MAX_LIBRARIES = 200;
const MAX_PROCESSES = 1_000;

type Found = { library: number; points: ProbePoints } | 'searching' | 'none';

export class TlsLibraries {
  private readonly finder = new PointFinder();
  private readonly found = new Map<MappedFile, Found>();
  /** By process: of each file, its links. */
  private readonly probed = new Map<number, Map<MappedFile, number[]>>();
  private libraries = 0;
  private closed = false;
  private searching = 0;

  constructor(
    private readonly processes: ProcessTable,
    private readonly attach: AttachUprobes,
    /** Is told which libraries are probed. */
    private readonly step: AttachStep,
    private readonly closeLink: (fd: number) => void,
    private readonly log: (text: string) => void,
  ) {
    processes.onForgotten((pid) => this.release(pid));
  }

  /** To be called often: cheap where nothing changed. */
  update(): void {
    if (this.closed) return;
    for (const pid of this.processes.alive())
      for (const code of this.processes.codeOf(pid)) if ('file' in code) this.look(pid, code.file);
  }

  /** Is any file still being looked at? */
  get isSearching(): boolean {
    return this.searching > 0;
  }

  private look(pid: number, file: MappedFile): void {
    const found = this.found.get(file);
    if (found === undefined) this.search(file);
    else if (typeof found === 'object' && !this.probed.get(pid)?.has(file)) this.probe(pid, file, found);
  }

  private search(file: MappedFile): void {
    if (file.fd === null) {
      this.found.set(file, 'none');
      return;
    }
    this.found.set(file, 'searching');
    this.searching++;
    void this.finder.find({ fileId: file.id, fd: file.fd, sizeBytes: file.sizeBytes }).then((result) => {
      this.searching--;
      if (this.closed) return;
      if (result && 'why' in result) this.log(`${file.path}: ${result.why}`);
      const isLibrary = result !== null && !('why' in result) && this.libraries < MAX_LIBRARIES;
      this.found.set(file, isLibrary ? { library: ++this.libraries, points: result } : 'none');
      if (isLibrary) this.update();
    });
  }

  private probe(pid: number, file: MappedFile, { library, points }: Exclude<Found, string>): void {
    let files = this.probed.get(pid);
    if (!files) {
      if (this.probed.size >= MAX_PROCESSES) return;
      files = new Map();
      this.probed.set(pid, files);
    }
    const links: number[] = [];
    files.set(file, links);
    for (const [kind, program] of Object.entries(PROGRAMS)) {
      const offsets = points[kind as PointKind];
      if (offsets.length === 0) continue;
      const cookies = offsets.map((_, i) => (BigInt(library) << LIBRARY_SHIFT) | BigInt(i));
      const link = this.attach(program, { path: `/proc/self/fd/${file.fd}`, offsets, cookies, pid });
      if (typeof link !== 'string') links.push(...link);
      else if (!this.step.refused.some(({ rung }) => rung === file.baseName))
        this.step.refused.push({ rung: file.baseName, why: link });
    }
    if (links.length > 0) {
      const names = new Set(this.step.taken?.replace(/^probes in /, '').split(', ') ?? []);
      this.step.taken = `probes in ${[...names.add(file.baseName)].slice(0, 8).join(', ')}`;
    }
  }

  private release(pid: number): void {
    for (const links of this.probed.get(pid)?.values() ?? []) for (const link of links) this.closeLink(link);
    this.probed.delete(pid);
  }

  close(): void {
    this.closed = true;
    this.finder.close();
    for (const pid of [...this.probed.keys()]) this.release(pid);
  }
}
