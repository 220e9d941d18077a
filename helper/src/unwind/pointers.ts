// Encoded pointers of unwind sections: where an FDE's code begins, how long it is. Encodings: LSB Core, "DWARF Exception Header
// Encoding".

const DW_EH_PE_udata2 = 0x02;
const DW_EH_PE_udata4 = 0x03;
const DW_EH_PE_udata8 = 0x04;
const DW_EH_PE_sleb128 = 0x09;
const DW_EH_PE_sdata2 = 0x0a;
const DW_EH_PE_sdata4 = 0x0b;
const DW_EH_PE_sdata8 = 0x0c;
const DW_EH_PE_aligned = 0x50;
const DW_EH_PE_indirect = 0x80;
export const DW_EH_PE_uleb128 = 0x01;
export const DW_EH_PE_absptr = 0x00;
export const DW_EH_PE_omit = 0xff;

const TWO_32 = 4_294_967_296;

/** Virtual addresses that relative pointers count from. */
export interface PointerBases {
  text: number;
  data: number;
}

export class PointerReader {
  /** Behind what was read last. */
  nextAt = 0;
  /** DW_EH_PE_funcrel: of the function whose entry is read. */
  functionAddress = Number.NaN;
  private bytes: Buffer = Buffer.alloc(0);
  private address = 0;

  constructor(private readonly bases: PointerBases) {}

  /** What is read from now on; `address`: virtual address of its first byte. */
  use(bytes: Buffer, address: number): void {
    this.bytes = bytes;
    this.address = address;
  }

  /** NaN: not readable (cut off, indirect, an unknown encoding). Values above 2^53 come out rounded. */
  read(at: number, end: number, encoding: number, addressBytes: number): number {
    if (encoding === DW_EH_PE_aligned) {
      const address = this.address + at;
      return this.plain(at + (Math.ceil(address / addressBytes) * addressBytes - address), end, 0, addressBytes);
    }
    const value = this.plain(at, end, encoding & 0x0f, addressBytes);
    if (encoding & DW_EH_PE_indirect) return Number.NaN;
    switch (encoding >> 4) {
      case 0:
        return value;
      case 1:
        return value + this.address + at;
      case 2:
        return value + this.bases.text;
      case 3:
        return value + this.bases.data;
      case 4:
        return value + this.functionAddress;
      default:
        return Number.NaN;
    }
  }

  private plain(at: number, end: number, format: number, addressBytes: number): number {
    const { bytes } = this;
    const sizeBytes = sizeOf(format, addressBytes);
    if (sizeBytes === 0) return this.leb(at, end, format === DW_EH_PE_sleb128);
    this.nextAt = at + sizeBytes;
    if (!(this.nextAt <= end && end <= bytes.length)) return Number.NaN;
    switch (format) {
      case DW_EH_PE_absptr:
      case DW_EH_PE_udata8:
        return sizeBytes === 4 ? u32(bytes, at) : u32(bytes, at) + u32(bytes, at + 4) * TWO_32;
      case DW_EH_PE_udata2:
        return bytes[at] | (bytes[at + 1] << 8);
      case DW_EH_PE_sdata2:
        return ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16;
      case DW_EH_PE_udata4:
        return u32(bytes, at);
      case DW_EH_PE_sdata4:
        return u32(bytes, at) | 0;
      case DW_EH_PE_sdata8:
        return u32(bytes, at) + (u32(bytes, at + 4) | 0) * TWO_32;
      default:
        return Number.NaN;
    }
  }

  private leb(at: number, end: number, signed: boolean): number {
    let value = 0;
    let scale = 1;
    for (let i = at; i < end && i < at + 10; i++) {
      const byte = this.bytes[i];
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      this.nextAt = i + 1;
      return signed && byte & 0x40 ? value - scale : value;
    }
    this.nextAt = end;
    return Number.NaN;
  }
}

/** 0: as long as its LEB128 number. */
function sizeOf(format: number, addressBytes: number): number {
  switch (format) {
    case DW_EH_PE_uleb128:
    case DW_EH_PE_sleb128:
      return 0;
    case DW_EH_PE_udata2:
    case DW_EH_PE_sdata2:
      return 2;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
      return 4;
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      return 8;
    default:
      return addressBytes;
  }
}

function u32(bytes: Buffer, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
