// The frames of a recording: one row per function (what speedscope shows as one box) and one location per executed
// line of it. Grows only. Rows go into `shared.frames` of the recording file as they are.

import { INLINED_SUFFIX } from '../protocol';
import type { Frame } from '../runtimes/frame';

/** Full names kept of one function: instances of a template share a short name, a file and a line. */
const MAX_FULL_NAMES = 4;

/** One function, as called or as inlined; its index is its index in `shared.frames`. */
export interface FunctionRow {
  /** Ends in INLINED_SUFFIX where `inlined`. */
  name: string;
  inlined: boolean;
  /** Different ones that were seen, the first few. */
  fullNames: string[];
  file: string | null;
  /** First line of the function where it is known. */
  line: number | null;
  module: string;
  kind: Frame['kind'];
  runtime: Frame['runtime'];
}

/** One executed line of one function. */
export interface LocationRow {
  functionIndex: number;
  /** Executed line, 0 where it is unknown. */
  line: number;
  /** Index into `lines`, -1 where file or line is unknown. */
  lineIndex: number;
  symbolized: boolean;
  /** false for frames that we add to say something, such as `[truncated: …]`: they count as no frame of the program. */
  real: boolean;
}

export interface SourceRow {
  file: string;
  md5: string | null;
  binaryMtimeMs: number | null;
}

export class FrameTable {
  readonly functions: FunctionRow[] = [];
  readonly locations: LocationRow[] = [];
  /** Source lines seen, shared by all functions (inlined ones and their callers may name the same line). */
  readonly lines: { file: string; line: number }[] = [];
  readonly sources = new Map<string, SourceRow>();
  private readonly functionByKey = new Map<string, number>();
  private readonly locationByKey = new Map<string, number>();
  private readonly lineByKey = new Map<string, number>();
  /** The symbolizer hands out the same Frame object for the same address: saves building keys. */
  private readonly byFrame = new WeakMap<Frame, number>();

  /** Location index of a frame. */
  intern(frame: Frame): number {
    const known = this.byFrame.get(frame);
    if (known !== undefined) return known;
    const functionIndex = this.internFunction(frame);
    const line = frame.line ?? 0;
    const location = this.internLocation(functionIndex, line, frame.file, frame.symbolized, true);
    if (frame.file !== null && !this.sources.has(frame.file))
      this.sources.set(frame.file, { file: frame.file, md5: frame.sourceMd5, binaryMtimeMs: frame.binaryMtimeMs });
    this.byFrame.set(frame, location);
    return location;
  }

  /** Location index of a frame that is a remark of ours, e.g. `[truncated: no frame pointer]`. */
  internRemark(name: string): number {
    const functionIndex = this.internFunction({
      name,
      fullName: null,
      file: null,
      functionLine: null,
      module: '',
      kind: 'unknown',
      runtime: null,
      inlined: false,
    });
    return this.internLocation(functionIndex, 0, null, false, false);
  }

  /** Location index of a location of another table. */
  adopt(from: FrameTable, location: number): number {
    const { functionIndex, line, lineIndex, symbolized, real } = from.locations[location];
    const { name, inlined, fullNames, file, line: functionLine, module, kind, runtime } = from.functions[functionIndex];
    const plain = inlined ? name.slice(0, -INLINED_SUFFIX.length) : name;
    const of = { name: plain, fullName: fullNames[0] ?? null, file, functionLine, module, kind, runtime, inlined };
    const lineFile = lineIndex < 0 ? null : from.lines[lineIndex].file;
    const source = lineFile === null ? undefined : from.sources.get(lineFile);
    if (source) this.sources.set(source.file, source);
    return this.internLocation(this.internFunction(of), line, lineFile, symbolized, real);
  }

  private internFunction(frame: Omit<Frame, 'symbolized' | 'line' | 'column' | 'sourceMd5' | 'binaryMtimeMs'>): number {
    const file = frame.functionFile ?? frame.file;
    const name = frame.inlined ? frame.name + INLINED_SUFFIX : frame.name;
    const key = `${name}\0${file ?? ''}\0${frame.functionLine ?? ''}\0${frame.module}`;
    let index = this.functionByKey.get(key);
    if (index === undefined) {
      index = this.functions.length;
      this.functions.push({
        name,
        inlined: frame.inlined,
        fullNames: [],
        file,
        line: frame.functionLine,
        module: frame.module,
        kind: frame.kind,
        runtime: frame.runtime,
      });
      this.functionByKey.set(key, index);
    }
    const { fullName } = frame;
    const { fullNames } = this.functions[index];
    if (fullName !== null && fullNames.length < MAX_FULL_NAMES && !fullNames.includes(fullName))
      fullNames.push(fullName);
    return index;
  }

  private internLocation(
    functionIndex: number,
    line: number,
    file: string | null,
    symbolized: boolean,
    real: boolean,
  ): number {
    const lineIndex = file !== null && line > 0 ? this.internLine(file, line) : -1;
    const key = `${functionIndex}:${line}:${lineIndex}`;
    let index = this.locationByKey.get(key);
    if (index === undefined) {
      index = this.locations.length;
      this.locations.push({ functionIndex, line, lineIndex, symbolized, real });
      this.locationByKey.set(key, index);
    }
    return index;
  }

  private internLine(file: string, line: number): number {
    const key = `${line}\0${file}`;
    let index = this.lineByKey.get(key);
    if (index === undefined) {
      index = this.lines.length;
      this.lines.push({ file, line });
      this.lineByKey.set(key, index);
    }
    return index;
  }
}
