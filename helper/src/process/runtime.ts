// Which language runtime a process is, cheaply: by its program's name, then by what the program file says of
// itself, then by the libraries that it maps. Used by the process list for its icons; nothing else relies on it.

import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { Runtime } from '../protocol';
import { readProcess } from './livingThread';
import { readProcessLink, readProcessText } from './procfs';

const BY_PROGRAM: [pattern: RegExp, runtime: Runtime][] = [
  [/^(?:python[\d.]*[dt]?|pypy[\d.]*|uwsgi)$/, 'python'],
  [/^(?:node|nodejs|bun|deno)$/, 'node'],
  [/^(?:java|javaw)$/, 'jvm'],
  [/^dotnet$/, 'dotnet'],
  [/^(?:ruby[\d.]*|jruby|puma)$/, 'ruby'],
  [/^(?:php[\d.]*|php-fpm[\d.]*|php-cgi[\d.]*)$/, 'php'],
  [/^perl[\d.]*$/, 'perl'],
];

const BY_LIBRARY: [pattern: RegExp, runtime: Runtime][] = [
  [/\/libjvm\.so/, 'jvm'],
  [/\/libcoreclr\.so/, 'dotnet'],
  [/\/libpython\d[\w.]*\.so/, 'python'],
  [/\/libnode\.so/, 'node'],
  [/\/libruby[\w.-]*\.so/, 'ruby'],
  [/\/libphp[\d.]*\.so/, 'php'],
  [/\/libperl\.so/, 'perl'],
];

/** Bytes of the program read for its section names: the names of most binaries are in its last 64 KiB. */
const TAIL_BYTES = 64 * 1024;

/** Verdicts on program files by their path, size of the process list over. */
const byFile = new Map<string, Runtime>();
const MAX_FILES = 4_096;

export function runtimeOf(pid: number): Runtime {
  const program = readProcessLink(pid, 'exe')?.replace(/ \(deleted\)$/, '');
  if (!program) return 'unknown';
  const name = basename(program);
  const named = BY_PROGRAM.find(([pattern]) => pattern.test(name));
  if (named) return named[1];
  const namespace = readProcessLink(pid, 'ns/mnt') ?? '';
  const key = `${namespace}\0${program}`;
  let verdict = byFile.get(key);
  if (verdict === undefined) {
    verdict = readProcess(pid, (folder) => compiledLanguage(`${folder}/exe`)) ?? 'unknown';
    if (byFile.size >= MAX_FILES) byFile.clear();
    byFile.set(key, verdict);
  }
  if (verdict !== 'native') return verdict;
  // A program that embeds a runtime, e.g. a server with a Python inside.
  const maps = readProcessText(pid, 'maps') ?? '';
  return BY_LIBRARY.find(([pattern]) => pattern.test(maps))?.[1] ?? 'native';
}

/** Go and Rust leave marks in the file: Go a `.go.buildinfo` section, Rust paths of its standard library. */
function compiledLanguage(path: string): Runtime | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const header = Buffer.alloc(64);
    if (readSync(fd, header, 0, 64, 0) < 64 || header.readUInt32BE(0) !== 0x7f454c46) return 'unknown';
    const names = sectionNames(fd, header);
    if (names.includes('.go.buildinfo') || names.includes('.gopclntab')) return 'go';
    return mentionsRust(fd, names) ? 'rust' : 'native';
  } catch {
    return 'unknown';
  } finally {
    closeSync(fd);
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
