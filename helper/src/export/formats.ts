// What a recording can be converted to, and how each format's files are named and recognized.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type RecordingFile, tracerError } from '../protocol';
import { foldedText } from './folded';
import { jsonText } from './json';
import { isOurRecording } from './outputFile';

interface FormatRow {
  /** Of files' names. */
  suffix: string;
  /** No text: not for a terminal. */
  binary?: boolean;
  /** Whether the first bytes of an existing file look like what this format would overwrite. */
  looksLike(start: Buffer): boolean;
  /** The pieces of the converted file. */
  convert(file: RecordingFile): Pieces | Promise<Pieces>;
}

type Pieces = Iterable<string | Uint8Array>;

/** THE table of formats: a new one is a line here and a module. */
const FORMATS = {
  speedscope: {
    suffix: '.speedscope.json',
    looksLike: isOurRecording,
    convert: (file) => [`${JSON.stringify(file)}\n`],
  },
  folded: {
    suffix: '.folded',
    looksLike: (start) => /^[^\n]*(?: \d+\n|;[^\n]*$)/.test(start.toString('utf8')),
    convert: foldedText,
  },
  pprof: {
    suffix: '.pb.gz',
    binary: true,
    looksLike: (start) => start[0] === 0x1f && start[1] === 0x8b,
    convert: async (file) => [await promisify(gzip)((await import('./pprof')).encodePprof(file))],
  },
  json: {
    suffix: '.json',
    looksLike: (start) => /^\{\s*"title": "/.test(start.toString('utf8')),
    convert: jsonText,
  },
  cpuprofile: {
    suffix: '.cpuprofile',
    looksLike: (start) => start.toString('utf8').startsWith('{"nodes":[{"id":1,"callFrame":{"functionName":"(root)"'),
    convert: async (file) => (await import('./cpuProfile')).cpuProfileText(file),
  },
  firefox: {
    suffix: '.profile.json',
    looksLike: (start) => start.toString('utf8').startsWith('{"meta":{"interval":'),
    convert: async (file) => (await import('./firefox')).firefoxText(file),
  },
} satisfies Record<string, FormatRow>;

export type Format = keyof typeof FORMATS;

const row = (format: Format): FormatRow => FORMATS[format];

export const FORMAT_NAMES = Object.keys(FORMATS) as Format[];
export const suffixOf = (format: Format): string => row(format).suffix;
export const isBinary = (format: Format): boolean => row(format).binary === true;

/** Throws FORMAT_INVALID. */
export function parseFormat(text: string): Format {
  if (Object.hasOwn(FORMATS, text)) return text as Format;
  throw tracerError('FORMAT_INVALID', text, FORMAT_NAMES.join(', '));
}

/** Whether the first bytes of an existing file look like what this format would overwrite. */
export function looksLike(format: Format): (start: Buffer) => boolean {
  return row(format).looksLike;
}

/** The pieces of the converted file. */
export async function convert(file: RecordingFile, format: Format): Promise<Pieces> {
  return row(format).convert(file);
}
