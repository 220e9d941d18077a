// `ebpf-tracer symbolize`: functions and lines of addresses in one file, for people and for tests against other tools; no
// rights needed.

import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT, tracerError } from '../protocol';
import { OneFile } from '../symbolize/oneFile';
import type { Place } from '../symbolize/place';
import { messages, output } from '../terminal/terminal';
import type { ParsedArguments } from './arguments';
import { cacheDirOf, findCaller } from './caller';

/** Held at once: the answers come in the order of the addresses, and are printed in that of the input. */
const BATCH_ADDRESSES = 65_536;
const WRITTEN_ADDRESSES = 64;
/** Longer lines of stdin are no addresses. */
const MAX_QUOTED_CHARACTERS = 80;

export interface SymbolizedAddress {
  address: number;
  /** Innermost first. `name` is demangled, in full. */
  frames: {
    name: string | null;
    linkageName: string | null;
    file: string | null;
    line: number | null;
    column: number | null;
    inlined: boolean;
  }[];
}

export async function symbolize(args: ParsedArguments): Promise<number> {
  const [path, ...given] = args.operands;
  const json = args.options.has('json');
  const folders = (args.options.get('debug-dir') ?? []).map((folder) => resolve(folder));
  const file = await openFile(path, folders);
  try {
    const addresses = (given.length > 0 ? given : await linesOfStdin()).map(parseAddress);
    if (json) await output.jsonPart('[');
    for (let first = 0; first < addresses.length; first += BATCH_ADDRESSES) {
      const batch = addresses.slice(first, first + BATCH_ADDRESSES);
      const texts: string[][] = new Array(batch.length);
      const put = (i: number, places: Place[]) => {
        texts[i] = json ? [JSON.stringify(report(batch[i], places))] : textLines(places);
      };
      await file.places(batch, put).catch((error: Error) => {
        throw tracerError('NOT_A_PROGRAM', path, error.message);
      });
      for (let i = 0; i < texts.length; i += WRITTEN_ADDRESSES) {
        const lines = texts.slice(i, i + WRITTEN_ADDRESSES).flat();
        if (json) await output.jsonPart(`${first + i > 0 ? ',\n' : ''}${lines.join(',\n')}`);
        else await output.lines(lines);
      }
    }
    if (json) await output.jsonPart(']\n');
    await messages.lines([...file.problems].map((problem) => `ebpf-tracer: ${path}: ${problem}`));
    return EXIT.done;
  } finally {
    await file.close();
  }
}

async function openFile(path: string, debugFolders: string[]): Promise<OneFile> {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    throw tracerError('FILE_UNREADABLE', path, (error as NodeJS.ErrnoException).code ?? String(error));
  }
  const caller = findCaller();
  // Under sudo the cache would get files that are root's.
  const cacheDir = caller.dropTo ? null : cacheDirOf(caller);
  const file = await OneFile.open(real, cacheDir, debugFolders).catch((error: Error) => {
    throw tracerError('NOT_A_PROGRAM', path, error.message);
  });
  if (!file) throw tracerError('FILE_UNREADABLE', path, 'it is no regular file, or not readable for you');
  return file;
}

/** Virtual address, hexadecimal with or without 0x. Throws ADDRESS_INVALID. */
export function parseAddress(text: string): number {
  const address = /^(0[xX])?[0-9a-fA-F]+$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (!Number.isSafeInteger(address)) throw tracerError('ADDRESS_INVALID', text.slice(0, MAX_QUOTED_CHARACTERS));
  return address;
}

async function linesOfStdin(): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('latin1')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export function report(address: number, places: Place[]): SymbolizedAddress {
  return {
    address,
    frames: places.map(({ name, fullName, linkageName, file, line, column, inlined }) => ({
      name: fullName ?? name,
      linkageName,
      file,
      line,
      column,
      inlined,
    })),
  };
}

/** As llvm-symbolizer prints it: function and place in two lines a frame, then an empty line. */
export function textLines(places: Place[]): string[] {
  const frames = places.flatMap(({ name, fullName, file, line, column }) => [
    fullName ?? name ?? '??',
    `${file ?? '??'}:${line ?? 0}:${column ?? 0}`,
  ]);
  return [...frames, ''];
}
