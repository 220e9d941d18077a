// Writes small ELF files for the unit tests: sections as given, one executable segment over `.text`.

export interface SectionInput {
  name: string;
  type: number;
  flags?: number;
  address?: number;
  data: Buffer;
  link?: string;
}

export const CODE_ADDRESS = 0x401000;
export const CODE_OFFSET = 0x1000;

export function writeElf(inputs: SectionInput[], codeBytes = 0x1000): Buffer {
  const names = Buffer.from(`\0${[...inputs.map((s) => s.name), '.shstrtab'].join('\0')}\0`);
  const sections = [...inputs, { name: '.shstrtab', type: 3, data: names } as SectionInput];
  let end = CODE_OFFSET + codeBytes;
  const placed = sections.map((section) => {
    const isCode = section.name === '.text';
    const offset = isCode ? CODE_OFFSET : end;
    if (!isCode) end += Math.ceil(section.data.length / 8) * 8;
    return { ...section, offset };
  });
  const file = Buffer.alloc(end + 64 * (sections.length + 1));
  file.writeUInt32BE(0x7f454c46, 0);
  file.set([2, 1, 1], 4);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(BigInt(end), 40);
  for (const [i, n] of [64, 56, 1, 64, sections.length + 1, sections.length].entries())
    file.writeUInt16LE(n, 52 + 2 * i);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  for (const [i, n] of [CODE_OFFSET, CODE_ADDRESS, CODE_ADDRESS, codeBytes, codeBytes, 0x1000].entries())
    file.writeBigUInt64LE(BigInt(n), 72 + 8 * i);
  placed.forEach((section, i) => {
    section.data.copy(file, section.offset);
    const at = end + 64 * (i + 1);
    file.writeUInt32LE(names.indexOf(`\0${section.name}\0`) + 1, at);
    file.writeUInt32LE(section.type, at + 4);
    file.writeBigUInt64LE(BigInt(section.flags ?? 0), at + 8);
    file.writeBigUInt64LE(BigInt(section.address ?? 0), at + 16);
    file.writeBigUInt64LE(BigInt(section.offset), at + 24);
    file.writeBigUInt64LE(BigInt(section.data.length), at + 32);
    file.writeUInt32LE(sections.findIndex((s) => s.name === section.link) + 1, at + 40);
  });
  return file;
}

export interface SymbolInput {
  name: string;
  address: number;
  sizeBytes: number;
  /** 2: function, 0: none. */
  type?: number;
  /** 0: local, 1: global, 2: weak. */
  binding?: number;
}

/** `.text` as the first section, `.symtab` and `.strtab`. */
export function symbolSections(symbols: SymbolInput[], codeBytes = 0x1000): SectionInput[] {
  const strings = Buffer.from(`\0${symbols.map((s) => s.name).join('\0')}\0`);
  const table = Buffer.alloc(24 * (symbols.length + 1));
  symbols.forEach((symbol, i) => {
    const at = 24 * (i + 1);
    table.writeUInt32LE(strings.indexOf(`\0${symbol.name}\0`) + 1, at);
    table[at + 4] = ((symbol.binding ?? 1) << 4) | (symbol.type ?? 2);
    table.writeUInt16LE(1, at + 6);
    table.writeBigUInt64LE(BigInt(symbol.address), at + 8);
    table.writeBigUInt64LE(BigInt(symbol.sizeBytes), at + 16);
  });
  return [
    { name: '.text', type: 1, flags: 6, address: CODE_ADDRESS, data: Buffer.alloc(codeBytes, 0x90) },
    { name: '.symtab', type: 2, data: table, link: '.strtab' },
    { name: '.strtab', type: 3, data: strings },
  ];
}

export function bytes(...parts: (number | number[] | string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`);
      return Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'number' ? [part] : part);
    }),
  );
}

export function u16(n: number): Buffer {
  const b = Buffer.alloc(2);
  b.writeUInt16LE(n);
  return b;
}

export function u32(n: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
}

export function u64(n: number): Buffer {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
}

export function withLength(body: Buffer): Buffer {
  return bytes(u32(body.length), body);
}

/** One DWARF unit with one function `work` at CODE_ADDRESS (0x40 bytes) of /src/dir/main.c, declared on line 7. */
export function dwarfSections(version: 4 | 5): SectionInput[] {
  const abbrev = bytes(
    // 1: compile unit with name, comp_dir, stmt_list, low_pc, high_pc
    [1, 0x11, 1, 0x03, 0x08, 0x1b, 0x08, 0x10, 0x17, 0x11, 0x01, 0x12, 0x06, 0, 0],
    // 2: subprogram with name, decl_file, decl_line, low_pc, high_pc
    [2, 0x2e, 0, 0x03, 0x08, 0x3a, 0x0b, 0x3b, 0x0b, 0x11, 0x01, 0x12, 0x06, 0, 0],
    0,
  );
  const dies = bytes(1, 'main.c', '/src/dir', u32(0), u64(CODE_ADDRESS), u32(0x40));
  const work = bytes(2, 'work', 1, 7, u64(CODE_ADDRESS), u32(0x40), 0);
  const head = version === 5 ? bytes(u16(5), 1, 8, u32(0)) : bytes(u16(4), u32(0), 8);
  const info = withLength(bytes(head, dies, work));
  const program = bytes(
    [0, 9, 2],
    u64(CODE_ADDRESS),
    // line 7, then line 8 after 0x10 bytes in file 2, then the end after 0x40
    [3, 6, 1],
    [2, 0x10, 4, 2, 3, 1, 5, 9, 1],
    [2, 0x30, 0, 1, 1],
  );
  const standard = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
  const opcodes = bytes([1, 1, 1, 0xfb, 14, 13], standard);
  const md5 = Buffer.alloc(16, 0xab);
  const tables =
    version === 5
      ? bytes(
          [1, 1, 0x08, 2],
          '/src/dir',
          'include',
          [3, 1, 0x08, 2, 0x0b, 5, 0x1e, 3],
          bytes('main.c', 0, md5),
          bytes('main.c', 0, md5),
          bytes('inline.h', 1, md5),
        )
      : bytes('include', 0, bytes('main.c', [0, 0, 0]), bytes('inline.h', [1, 0, 0]), 0);
  const header = bytes(opcodes, tables);
  const line = withLength(
    bytes(u16(version), version === 5 ? [8, 0] : Buffer.alloc(0), u32(header.length), header, program),
  );
  return [
    { name: '.debug_info', type: 1, data: info },
    { name: '.debug_abbrev', type: 1, data: abbrev },
    { name: '.debug_line', type: 1, data: line },
  ];
}
