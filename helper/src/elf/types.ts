// What the other formats ask of an ELF file. Layouts: System V ABI, "Object Files"; elf(5).

export interface Segment {
  type: number;
  flags: number;
  fileOffset: number;
  /** Virtual address as linked. */
  address: number;
  fileSizeBytes: number;
  memorySizeBytes: number;
  alignBytes: number;
}

export interface Section {
  name: string;
  type: number;
  flags: number;
  address: number;
  fileOffset: number;
  sizeBytes: number;
  /** Index of a related section: a symbol table's strings. */
  link: number;
}

export interface DebugLink {
  /** File name without a folder. */
  name: string;
  crc: number;
}

export const PT_LOAD = 1;
export const PT_NOTE = 4;
export const PF_X = 1;
export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;
export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
export const SHF_COMPRESSED = 0x800;
