// What a recording can be converted to, and how each format's files are named and recognized.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type RecordingFile, tracerError } from '../protocol';
import { foldedText } from './folded';
import { jsonText } from './json';
import { isOurRecording } from './outputFile';

export type Format = 'speedscope' | 'folded' | 'pprof' | 'json';

export const FORMAT_SUFFIX: Record<Format, string> = {
  speedscope: '.speedscope.json',
  folded: '.folded',
  pprof: '.pb.gz',
  json: '.json',
};

/** Throws FORMAT_INVALID. */
export function parseFormat(text: string): Format {
  if (Object.hasOwn(FORMAT_SUFFIX, text)) return text as Format;
  throw tracerError('FORMAT_INVALID', text);
}

/** Whether the first bytes of an existing file look like what this format would overwrite. */
export function looksLike(format: Format): (start: Buffer) => boolean {
  switch (format) {
    case 'speedscope':
      return isOurRecording;
    case 'pprof':
      return (start) => start[0] === 0x1f && start[1] === 0x8b;
    case 'json':
      return (start) => /^\{\s*"title": "/.test(start.toString('utf8'));
    case 'folded':
      return (start) => /^[^\n]*(?: \d+\n|;[^\n]*$)/.test(start.toString('utf8'));
  }
}

/** The pieces of the converted file. */
export async function convert(file: RecordingFile, format: Format): Promise<Iterable<string | Uint8Array>> {
  switch (format) {
    case 'speedscope':
      return [`${JSON.stringify(file)}\n`];
    case 'folded':
      return foldedText(file);
    case 'json':
      return jsonText(file);
    case 'pprof': {
      const { encodePprof } = await import('./pprof');
      return [await promisify(gzip)(encodePprof(file))];
    }
  }
}
