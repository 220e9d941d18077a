// A target's heap, read word by word through pages that are kept for one round: objects move and are reused while they are read,
// so nothing is kept for longer. What cannot be read is 0, which no tagged address is.

const PAGE_BYTES = 4_096;
/** Kept in one round: 8 MiB. */
const MAX_PAGES = 2_048;
const TWO_32 = 4_294_967_296;
/** User addresses end below it. */
const ADDRESS_END = 2 ** 47;

/** Exactly so many bytes, or null. */
export type ReadMemory = (address: number, sizeBytes: number) => Uint8Array | null;

export class HeapMemory {
  private readonly pages = new Map<number, DataView | null>();
  private recent: DataView | null = null;
  private recentNumber = -1;

  constructor(private readonly readMemory: ReadMemory) {}

  /** What was read before is asked for again. */
  beginRound(): void {
    this.pages.clear();
    this.recentNumber = -1;
    this.recent = null;
  }

  u8(address: number): number {
    const page = this.page(Math.floor(address / PAGE_BYTES));
    return page === null ? 0 : page.getUint8(address % PAGE_BYTES);
  }

  u16(address: number): number {
    return this.u8(address) + this.u8(address + 1) * 256;
  }

  u32(address: number): number {
    const within = address % PAGE_BYTES;
    if (within > PAGE_BYTES - 4) return this.u16(address) + this.u16(address + 2) * 65_536;
    const page = this.page(Math.floor(address / PAGE_BYTES));
    return page === null ? 0 : page.getUint32(within, true);
  }

  /** Exact up to 2^53; larger ones are no addresses. */
  u64(address: number): number {
    return this.u32(address) + this.u32(address + 4) * TWO_32;
  }

  /** Null where not all can be read. */
  bytes(address: number, sizeBytes: number): Uint8Array | null {
    if (!isAddress(address) || !(sizeBytes >= 0)) return null;
    return sizeBytes === 0 ? new Uint8Array(0) : this.readMemory(address, sizeBytes);
  }

  private page(number: number): DataView | null {
    if (number === this.recentNumber) return this.recent;
    let page = this.pages.get(number);
    if (page === undefined) {
      const address = number * PAGE_BYTES;
      const bytes = isAddress(address) ? this.readMemory(address, PAGE_BYTES) : null;
      page = bytes ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) : null;
      if (this.pages.size >= MAX_PAGES) this.pages.clear();
      this.pages.set(number, page);
    }
    this.recentNumber = number;
    this.recent = page;
    return page;
  }
}

export function isAddress(value: number): boolean {
  return value > 0 && value < ADDRESS_END;
}
