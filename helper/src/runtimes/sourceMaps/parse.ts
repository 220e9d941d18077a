// From a map's text to something that answers: checked first, since the library that reads maps trusts them.

import { FlattenMap, type SourceMapInput, type TraceMap } from '@jridgewell/trace-mapping';
import { MAX_MAP_BYTES, MAX_SECTION_DEPTH, MAX_SECTIONS, MAX_SOURCES } from './limits';
import { MapError } from './types';

/** `url`: of the map, for relative names of sources. Throws MapError. */
export function parseMap(text: string, url: string): TraceMap {
  if (text.length > MAX_MAP_BYTES) throw new MapError('is too large');
  let json: unknown;
  try {
    json = JSON.parse(withoutPrefix(text));
  } catch {
    // Its own message would quote a file that is perhaps no map at all.
    throw new MapError('is not JSON');
  }
  const count = { sections: 0 };
  check(json, 0, count);
  try {
    return new FlattenMap(json as SourceMapInput, url) as unknown as TraceMap;
  } catch {
    throw new MapError('is damaged');
  }
}

/** Against inclusion as a script, a first line may begin with `)]}'`. */
function withoutPrefix(text: string): string {
  const start = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (!start.startsWith(")]}'")) return start;
  const end = start.indexOf('\n');
  return end < 0 ? '' : start.slice(end + 1);
}

function check(json: unknown, depth: number, count: { sections: number }): void {
  if (!isObject(json)) throw new MapError('is no object');
  if (Number(json.version) !== 3) throw new MapError('is not of version 3');
  if (Array.isArray(json.sections)) {
    if (depth >= MAX_SECTION_DEPTH) throw new MapError('has sections in sections without end');
    count.sections += json.sections.length;
    if (count.sections > MAX_SECTIONS) throw new MapError('has too many sections');
    for (const section of json.sections as unknown[]) {
      if (!isObject(section) || !isObject(section.offset)) throw new MapError('has damaged sections');
      if (!isCount(section.offset.line) || !isCount(section.offset.column)) throw new MapError('has damaged sections');
      if (section.map === undefined) throw new MapError('has sections in other files');
      check(section.map, depth + 1, count);
    }
    return;
  }
  if (typeof json.mappings !== 'string') throw new MapError('has no mappings');
  if (!Array.isArray(json.sources)) throw new MapError('has no sources');
  if (json.sources.length > MAX_SOURCES) throw new MapError('has too many sources');
  if (!json.sources.every((source) => source === null || typeof source === 'string'))
    throw new MapError('has damaged sources');
  if (json.names === undefined) json.names = [];
  if (!Array.isArray(json.names)) throw new MapError('has damaged names');
  if (json.sourceRoot !== undefined && json.sourceRoot !== null && typeof json.sourceRoot !== 'string')
    throw new MapError('has a damaged sourceRoot');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}
