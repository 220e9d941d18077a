// What an exporter of an HTTP trace is: one folder and one line in the table (index.ts). It is opened before anything is traced, so
// that a value that makes no sense is refused at once; hears of the rows while the trace runs; and is given all that was found.

import type { HttpLive, HttpSection } from '../../protocol';

/** What the helper itself costs so far. */
export interface HelperFigures {
  cpuMs: number;
  rssBytes: number;
  bpfNs: number | null;
}

export interface HttpExport {
  section: HttpSection;
  title: string;
  /** CLOCK_MONOTONIC. */
  startedNs: number;
  tracerVersion: string;
}

/** A file to be written, whole. Nothing is overwritten that does not begin as this exporter's files do. */
export interface ExportFile {
  path: string;
  isOurs(start: Buffer): boolean;
  pieces: (found: HttpExport) => Iterable<string> | Promise<Iterable<string>>;
}

export interface OpenExport {
  readonly files?: readonly ExportFile[];
  progress?(live: HttpLive, helper: HelperFigures): void;
  /** What is sent elsewhere; after the files. Throws TracerError. */
  finish?(found: HttpExport): Promise<void>;
  /** Whatever happened. */
  close?(): Promise<void>;
}

export interface HttpExporter {
  /** Its option of the command line, without dashes. */
  readonly option: string;
  readonly value: string;
  readonly help: string;
  /** It needs every row while the trace runs. */
  readonly allRowsLive?: boolean;
  /** Throws TracerError. */
  open(given: string): OpenExport | Promise<OpenExport>;
}
