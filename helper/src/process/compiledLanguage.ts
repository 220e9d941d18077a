// The language that a program was compiled from, by marks in its file: a parser of other people's bytes, which the helper runs in a
// thread without capabilities (patience.ts).

import { readSync } from 'node:fs';

/** Bytes of the program read for its section names: the names of most binaries are in its last 64 KiB. */
const TAIL_BYTES = 64 * 1024;

/** Go and Rust leave marks in the file: Go a `.go.buildinfo` section, Rust paths of its standard library. */
export function compiledLanguage(fd: number): 'go' | 'rust' | 'native' | 'unknown' {
  try {
    const header = Buffer.alloc(64);
    if (readSync(fd, header, 0, 64, 0) < 64 || header.readUInt32BE(0) !== 0x7f454c46) return 'unknown';
    const names = sectionNames(fd, header);
    if (names.includes('.go.buildinfo') || names.includes('.gopclntab')) return 'go';
    return mentionsRust(fd, names) ? 'rust' : 'native';
  } catch {
    return 'unknown';
  }
}

/** The section name table of a 64-bit little-endian ELF file, as text; empty where it has none (System V ABI, ch. 4). */
function sectionNames(fd: number, header: Buffer): string {
  const [offset, entrySize, count, namesIndex] = [
    Number(header.readBigUInt64LE(40)),
    header.readUInt16LE(58),
    header.readUInt16LE(60),
    header.readUInt16LE(62),
  ];
  if (header[4] !== 2 || header[5] !== 1 || entrySize < 64 || namesIndex >= count) return '';
  const section = Buffer.alloc(64);
  if (readSync(fd, section, 0, 64, offset + namesIndex * entrySize) < 64) return '';
  const names = Buffer.alloc(Math.min(Number(section.readBigUInt64LE(32)), TAIL_BYTES));
  const got = readSync(fd, names, 0, names.length, Number(section.readBigUInt64LE(24)));
  return names.toString('latin1', 0, got);
}

const RUST_MARK = Buffer.from('/rustc/');
const RUST_WINDOW_BYTES = 1 << 20;

/** Panic messages carry `/rustc/HASH/library/…` paths in read-only data, early in the file. */
function mentionsRust(fd: number, names: string): boolean {
  if (names.includes('.rustc') || names.includes('.debug_gdb_scripts')) return true;
  const window = Buffer.alloc(RUST_WINDOW_BYTES);
  return window.subarray(0, readSync(fd, window, 0, window.length, 0)).includes(RUST_MARK);
}
