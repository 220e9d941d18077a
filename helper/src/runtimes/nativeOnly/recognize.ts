// Which of the runtimes that cannot be read yet a file holds, by what it defines and never by its name. All of them are looked for in
// one pass, whose answer is kept with the file: each is asked about by its own plug-in.

import { FormatError } from '../../bytes/cursor';
import { BufferSource, cstringAt } from '../../bytes/source';
import { findSymbols, type NamedSymbol } from '../../elf/namedSymbols';
import type { ElfFile } from '../../elf/parser';
import { SHT_DYNSYM, SHT_NOBITS } from '../../elf/types';
import type { RuntimeId } from '../../protocol';
import type { RuntimeImage } from '../types';
import { NATIVE_ONLY_RUNTIMES, type NativeOnlyRuntime } from './table';

/** Programs that run JavaScript offer Node-API to add-ons; Node.js itself, which defines the other, has a plug-in of its own. */
const NODE_API = 'napi_create_error';
const NODE = '_ZN4node5StartEiPPc';
const SYMBOLS = [NODE_API, NODE, ...NATIVE_ONLY_RUNTIMES.flatMap(({ symbols }) => symbols)];
const MAX_VERSION_BYTES = 32;
const VERSION = /^\d{1,4}(?:\.\d{1,4}){1,3}[\w.+-]{0,16}$/;
/** Constants are read in pieces that overlap. */
const PIECE_BYTES = 4 * 1024 * 1024;
const OVERLAP_BYTES = 256;
const MAX_CONSTANTS_BYTES = 128 * 1024 * 1024;

const answers = new WeakMap<ElfFile, Map<RuntimeId, RuntimeImage>>();

export function recognizeNativeOnly(elf: ElfFile, id: RuntimeId): RuntimeImage | null {
  let found = answers.get(elf);
  if (!found) {
    found = imagesOf(elf);
    answers.set(elf, found);
  }
  return found.get(id) ?? null;
}

function imagesOf(elf: ElfFile): Map<RuntimeId, RuntimeImage> {
  const symbols = findSymbols(elf, SYMBOLS, [SHT_DYNSYM]);
  const texts = NATIVE_ONLY_RUNTIMES.filter(({ text }) => text !== undefined);
  const constants =
    symbols.has(NODE_API) && !symbols.has(NODE) ? textsIn(elf, texts) : new Map<RuntimeId, string | null>();
  const images = new Map<RuntimeId, RuntimeImage>();
  for (const row of NATIVE_ONLY_RUNTIMES) {
    const defined = row.symbols.some((name) => symbols.has(name));
    const divided = row.sections?.some((name) => elf.section(name) !== null) ?? false;
    if (!defined && !divided && !constants.has(row.id)) continue;
    const version = constants.get(row.id) ?? versionAt(elf, symbols.get(row.versionSymbol ?? ''));
    images.set(row.id, { runtime: row.id, version });
  }
  return images;
}

function versionAt(elf: ElfFile, symbol: NamedSymbol | undefined): string | null {
  const section = symbol && elf.sectionAt(symbol.address);
  if (!section || section.type === SHT_NOBITS) return null;
  try {
    const at = section.fileOffset + symbol.address - section.address;
    const text = cstringAt(new BufferSource(elf.source.readUpTo(at, MAX_VERSION_BYTES)), 0);
    return VERSION.test(text) ? text : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Of those whose text is among the constants: the version, where that is there, too. */
function textsIn(elf: ElfFile, rows: readonly NativeOnlyRuntime[]): Map<RuntimeId, string | null> {
  const section = elf.section('.rodata');
  const told = new Set<RuntimeId>();
  const versions = new Map<RuntimeId, string>();
  if (section && section.type !== SHT_NOBITS) {
    const source = elf.source.part(section.fileOffset, section.sizeBytes);
    for (let at = 0; at < Math.min(source.sizeBytes, MAX_CONSTANTS_BYTES); at += PIECE_BYTES) {
      const piece = source.readUpTo(at, PIECE_BYTES + OVERLAP_BYTES).toString('latin1');
      for (const { id, text, versionText } of rows) {
        if (piece.includes(text!)) told.add(id);
        const version = versionText && !versions.has(id) ? versionText.exec(piece)?.[1] : undefined;
        if (version) versions.set(id, version);
      }
    }
  }
  return new Map([...told].map((id) => [id, versions.get(id) ?? null]));
}
