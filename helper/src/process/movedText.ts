// Programs move their code onto memory of no file, at the same addresses: onto huge pages (databases, V8's --use-largepages,
// BOLT's hugify), say. What lies there is found out by the file that was mapped there before, or by what else is mapped of the same
// file beside it, or by where the kernel put the program's headers (AT_PHDR, getauxval(3)). It is believed where bytes of
// the memory are those of the file. A worker reads the file; here memory is compared.

import type { MappedFile } from './files';
import { readPlaces } from './memory';
import type { Address } from './types';

export interface MemoryRange {
  start: Address;
  /** First address behind. */
  end: Address;
}

/** Where a place of the file is, or was, mapped; `fileOffset` null: its program headers. */
export interface Anchor {
  start: Address;
  fileOffset: number | null;
}

/** Executable memory that must hold what the file has from `fileOffset` on, if it is the file's. */
export interface TextPiece extends MemoryRange {
  fileOffset: number;
  /** Some bytes of the file, and where they must be. */
  samples: { address: Address; bytes: Uint8Array }[];
}

/** Reads files elsewhere than on the main thread. Rejects where it is no program. */
export interface TextReader {
  /** What of the ranges is executable code of the file, by its program headers. */
  piecesOf(file: MappedFile, anchor: Anchor, ranges: readonly MemoryRange[]): Promise<TextPiece[]>;
}

export interface MovedTextQuestion {
  pid: number;
  ranges: readonly MemoryRange[];
  candidates: readonly { file: MappedFile; anchor: Anchor }[];
}

/** It may be looked at before the program has copied its code there. */
const RETRY_DELAYS_MS = [0, 30, 200, 1_000, 5_000];
/** Of the samples that agree; some may have been changed since: breakpoints, code that patches itself. */
const AGREE_LEAST = 0.9;
const MAX_OPEN_QUESTIONS = 64;

/** A FileReader of fileStore.ts. */
export class MovedText {
  private readonly open = new Set<MovedTextQuestion>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(
    private readonly reader: () => TextReader | null,
    private readonly found: (question: MovedTextQuestion, file: MappedFile, piece: TextPiece) => void,
  ) {}

  ask(question: MovedTextQuestion): void {
    if (this.closed || this.open.size >= MAX_OPEN_QUESTIONS || question.candidates.length === 0) return;
    this.open.add(question);
    this.later(question, 0);
  }

  needs(id: number): boolean {
    for (const { candidates } of this.open) if (candidates.some(({ file }) => file.id === id)) return true;
    return false;
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.open.clear();
  }

  private later(question: MovedTextQuestion, attempt: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.attempt(question, attempt);
    }, RETRY_DELAYS_MS[attempt]);
    timer.unref();
    this.timers.add(timer);
  }

  private async attempt(question: MovedTextQuestion, attempt: number): Promise<void> {
    let undecided = false;
    for (const { file, anchor } of question.candidates) {
      const pieces = await this.piecesOf(file, anchor, question.ranges);
      if (this.closed) return;
      for (const piece of pieces) {
        if (agrees(question.pid, piece)) this.found(question, file, piece);
        else undecided = true;
      }
    }
    if (undecided && attempt + 1 < RETRY_DELAYS_MS.length) this.later(question, attempt + 1);
    else this.open.delete(question);
  }

  private async piecesOf(file: MappedFile, anchor: Anchor, ranges: readonly MemoryRange[]): Promise<TextPiece[]> {
    try {
      return (await this.reader()?.piecesOf(file, anchor, ranges)) ?? [];
    } catch {
      // It is no program: nothing of it is code.
      return [];
    }
  }
}

function agrees(pid: number, { samples }: TextPiece): boolean {
  const places = samples.map(({ address, bytes }) => ({ start: address, sizeBytes: bytes.length }));
  const read = readPlaces(pid, places);
  const equal = samples.filter(({ bytes }, i) => read[i] !== null && Buffer.compare(bytes, read[i]) === 0).length;
  return equal > 0 && equal >= AGREE_LEAST * samples.length;
}
