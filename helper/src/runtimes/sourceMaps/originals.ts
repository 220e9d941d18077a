// Looks places up in one map.

import { posix } from 'node:path';
import { type TraceMap, traceSegment } from '@jridgewell/trace-mapping';
import { MAX_NAME_LENGTH } from './limits';
import { pathOfScript } from './locate';
import { type FileExists, pathOfSource } from './sources';
import type { CompiledPlace, OriginalPlace } from './types';

const SOURCE = 1;
const LINE = 2;
const COLUMN = 3;
const NAME = 4;

export class Originals {
  private readonly paths = new Map<number, string | null>();
  private readonly scriptFolder: string | null;

  constructor(
    private readonly map: TraceMap,
    scriptName: string,
    private readonly exists: FileExists,
  ) {
    const path = pathOfScript(scriptName);
    this.scriptFolder = path === null ? null : posix.dirname(path);
  }

  /** Null where no source belongs to the place: a bundler's own code. */
  at({ line, column, nameLine, nameColumn }: CompiledPlace): OriginalPlace | null {
    const segment = this.segment(line, column);
    if (!segment || segment.length === 1) return null;
    const file = this.path(segment[SOURCE]);
    const originalLine = segment[LINE] + 1;
    if (file === null || !(originalLine > 0 && originalLine < 2 ** 31)) return null;
    return {
      file,
      line: originalLine,
      column: Math.max(0, segment[COLUMN]) + 1,
      name: nameLine === null || nameColumn === null ? null : this.nameAt(nameLine, nameColumn),
    };
  }

  private segment(line: number, column: number) {
    if (!(line >= 1 && column >= 1)) return null;
    return traceSegment(this.map, line - 1, column - 1);
  }

  /** Only of a segment that begins with the identifier: another one's name would be wrong. */
  private nameAt(line: number, column: number): string | null {
    const segment = this.segment(line, column);
    if (segment?.length !== 5 || segment[0] !== column - 1) return null;
    const name = this.map.names[segment[NAME]];
    return typeof name === 'string' && name !== '' && name.length <= MAX_NAME_LENGTH ? name : null;
  }

  private path(index: number): string | null {
    let path = this.paths.get(index);
    if (path === undefined) {
      const source: unknown = this.map.resolvedSources[index];
      const hasName = typeof this.map.sources[index] === 'string';
      path = hasName && typeof source === 'string' ? pathOfSource(source, this.scriptFolder, this.exists) : null;
      this.paths.set(index, path);
    }
    return path;
  }
}
