// Random access to bytes that may be far larger than memory: a file (or a part of it) read through small windows, or a
// buffer. Parsers of big sections take a ByteSource and never load a file whole. Used by every format here.

import { readSync } from 'node:fs';
import { FormatError } from './cursor';
import { MAX_NAME_BYTES, MAX_PAGES, MAX_READ_BYTES, PAGE_BYTES } from './limits';

export interface ByteSource {
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes, not to be written to. Throws FormatError outside of the source or above the limit. */
  read(offset: number, lengthBytes: number): Buffer;
  /** Up to `lengthBytes`, less at the end of the source. */
  readUpTo(offset: number, lengthBytes: number): Buffer;
  /** What is at hand from `offset` on: at least `lengthBytes`, or all up to the end of the source. Cheap for small pieces. */
  window(offset: number, lengthBytes: number): Buffer;
  /** As `readUpTo`, for what has no neighbours that are read soon: the bytes hold until the next call for any source. */
  glance(offset: number, lengthBytes: number): Buffer;
  /** As `read`, but the bytes of a file come in the lender's memory: they hold until it lends again. */
  borrow(offset: number, lengthBytes: number, lender: Lender): Buffer;
  part(offset: number, sizeBytes: number): ByteSource;
}

const LENT_BYTES = 4 * 1024 * 1024;

const lenders: Lender[] = [];

/** Memory that is used for one large read after another, instead of new memory for each. Larger reads than that are rare. */
export class Lender {
  private memory: Buffer | null = null;

  /** `takenBack`: what was lent last is held by nobody else from then on. */
  constructor(private readonly takenBack = () => {}) {
    lenders.push(this);
  }

  release(): void {
    this.memory = null;
    this.takenBack();
  }

  lend(lengthBytes: number): Buffer {
    if (lengthBytes > LENT_BYTES) return Buffer.allocUnsafeSlow(lengthBytes);
    this.memory ??= Buffer.allocUnsafeSlow(LENT_BYTES);
    return this.memory.subarray(0, lengthBytes);
  }
}

/** The windows that one worker holds over all its files, oldest use first. */
class PageCache {
  private readonly pages = new Map<string, Buffer>();

  get(key: string, load: () => Buffer): Buffer {
    let page = this.pages.get(key);
    if (page) this.pages.delete(key);
    else {
      page = load();
      if (this.pages.size >= MAX_PAGES) this.pages.delete(this.pages.keys().next().value as string);
    }
    this.pages.set(key, page);
    return page;
  }

  has(key: string): boolean {
    return this.pages.has(key);
  }

  clear(): void {
    this.pages.clear();
  }

  drop(owner: string): void {
    for (const key of this.pages.keys()) if (key.startsWith(owner)) this.pages.delete(key);
  }
}

const cache = new PageCache();
const glanced = Buffer.allocUnsafeSlow(MAX_NAME_BYTES);
const NO_BYTES = Buffer.alloc(0);

/** Forgets the windows of a file that is about to be closed. */
export function dropPages(fileId: number): void {
  cache.drop(`${fileId}:`);
}

/** Between two bursts of work: what is read again quickly when it is wanted. */
export function releaseReadMemory(): void {
  cache.clear();
  for (const lender of lenders) lender.release();
}

export class FileSource implements ByteSource {
  /** The window read last: most reads are near the one before. */
  private recent: Buffer = NO_BYTES;
  private recentNumber = -1;

  /** `fileId` is never reused, unlike the descriptor. */
  constructor(
    private readonly fileId: number,
    private readonly fd: number,
    readonly sizeBytes: number,
    private readonly start = 0,
  ) {}

  read(offset: number, lengthBytes: number): Buffer {
    const from = this.check(offset, lengthBytes);
    const inPage = from % PAGE_BYTES;
    if (inPage + lengthBytes > PAGE_BYTES) return this.load(Buffer.allocUnsafeSlow(lengthBytes), from);
    const page = this.page((from - inPage) / PAGE_BYTES);
    if (inPage + lengthBytes > page.length) throw new FormatError('file is shorter than it was');
    return page.subarray(inPage, inPage + lengthBytes);
  }

  window(offset: number, lengthBytes: number): Buffer {
    const rest = this.sizeBytes - offset;
    const inPage = (this.start + offset) % PAGE_BYTES;
    return this.read(offset, Math.max(0, Math.min(rest, Math.max(lengthBytes, PAGE_BYTES - inPage))));
  }

  private page(pageNumber: number): Buffer {
    if (pageNumber !== this.recentNumber) {
      this.recent = cache.get(`${this.fileId}:${pageNumber}`, () =>
        this.load(Buffer.allocUnsafeSlow(PAGE_BYTES), pageNumber * PAGE_BYTES, true),
      );
      this.recentNumber = pageNumber;
    }
    return this.recent;
  }

  borrow(offset: number, lengthBytes: number, lender: Lender): Buffer {
    const from = this.check(offset, lengthBytes);
    return this.load(lender.lend(lengthBytes), from);
  }

  readUpTo(offset: number, lengthBytes: number): Buffer {
    return this.read(offset, Math.max(0, Math.min(lengthBytes, this.sizeBytes - offset)));
  }

  glance(offset: number, lengthBytes: number): Buffer {
    const length = Math.max(0, Math.min(lengthBytes, this.sizeBytes - offset));
    const from = this.check(offset, length);
    const pageNumber = Math.floor(from / PAGE_BYTES);
    if (length > glanced.length || pageNumber === this.recentNumber || cache.has(`${this.fileId}:${pageNumber}`))
      return this.read(offset, length);
    return this.load(glanced.subarray(0, length), from);
  }

  part(offset: number, sizeBytes: number): ByteSource {
    if (!(offset >= 0 && sizeBytes >= 0 && offset + sizeBytes <= this.sizeBytes))
      throw new FormatError('part outside of the file');
    return new FileSource(this.fileId, this.fd, sizeBytes, this.start + offset);
  }

  /** Position in the file. */
  private check(offset: number, lengthBytes: number): number {
    if (!(offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= this.sizeBytes))
      throw new FormatError('read outside of the file');
    if (lengthBytes > MAX_READ_BYTES) throw new FormatError(`part of ${lengthBytes} bytes is too large`);
    return this.start + offset;
  }

  private load(buffer: Buffer, position: number, mayBeShort = false): Buffer {
    const lengthBytes = buffer.length;
    let got = 0;
    while (got < lengthBytes) {
      const n = readSync(this.fd, buffer, got, lengthBytes - got, position + got);
      if (n === 0) break;
      got += n;
    }
    if (got < lengthBytes && !mayBeShort) throw new FormatError('file is shorter than it was');
    return buffer.subarray(0, got);
  }
}

export class BufferSource implements ByteSource {
  constructor(private readonly bytes: Buffer) {}

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, lengthBytes: number): Buffer {
    if (!(offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= this.bytes.length))
      throw new FormatError('read outside of the data');
    return this.bytes.subarray(offset, offset + lengthBytes);
  }

  readUpTo(offset: number, lengthBytes: number): Buffer {
    return this.read(offset, Math.max(0, Math.min(lengthBytes, this.bytes.length - offset)));
  }

  window(offset: number): Buffer {
    return this.read(offset, Math.max(0, this.bytes.length - offset));
  }

  borrow(offset: number, lengthBytes: number): Buffer {
    return this.read(offset, lengthBytes);
  }

  glance(offset: number, lengthBytes: number): Buffer {
    return this.readUpTo(offset, lengthBytes);
  }

  part(offset: number, sizeBytes: number): ByteSource {
    return new BufferSource(this.read(offset, sizeBytes));
  }
}

/** Zero-terminated UTF-8 at `offset`; cut where it exceeds the limit for names. `isAlone`: see `glance`. */
export function cstringAt(source: ByteSource, offset: number, isAlone = false): string {
  if (!(offset >= 0 && offset < source.sizeBytes)) throw new FormatError('string outside of its table');
  let lengthBytes = 128;
  for (;;) {
    const bytes = isAlone ? source.glance(offset, lengthBytes) : source.readUpTo(offset, lengthBytes);
    const zero = bytes.indexOf(0);
    if (zero >= 0) return bytes.toString('utf8', 0, zero);
    if (bytes.length < lengthBytes || lengthBytes >= MAX_NAME_BYTES) return bytes.toString('utf8');
    lengthBytes *= 4;
  }
}
