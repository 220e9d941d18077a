// Frames as BPF sends them -> functions by name, file and line. A code object is read when its first frame comes, and kept by its
// address and fingerprint: programs of any length have some thousand.

import { PYTHON_MARK, PYTHON_SAME_CODE } from '../../abi/runtimePython.gen';
import type { RuntimeFrame } from '../../process/types';
import { EMPTY_FRAME, type Frame } from '../frame';
import { type CodeFailure, type CodeObject, type CodeReader, lineAt, readCode } from './codeObject';
import { displayName, moduleOf, pathOf } from './names';

/** Of one process. Beyond that all are forgotten and read again as they come. */
const MAX_CODE_OBJECTS = 65_536;
const MAX_LINE_TABLE_BYTES = 64 * 1024 * 1024;
/** Lines of a code object that were seen, over all. */
const MAX_LINES = 262_144;

const SAME_CODE = Number(PYTHON_SAME_CODE);
const STALE = remark('[python: stale frame]');
const MORE = remark('[python: more frames than the limit]');
const LOCK = remark('[waiting for the GIL]');

interface Known {
  code: CodeObject;
  module: string;
  file: string | null;
  frames: Map<number | null, Frame>;
}

export class PythonFrames {
  private readonly known = new Map<string, Known>();
  private readonly sameCode = new WeakMap<RuntimeFrame, RuntimeFrame>();
  private lineTableBytes = 0;
  private lines = 0;

  /** `folder`: where relative files start from. `failed`: is told why a frame could not be named. */
  constructor(
    private readonly reader: CodeReader,
    private readonly folder: () => string | null,
    private readonly failed: (why: CodeFailure | 'torn chain') => void,
  ) {}

  /** Before frames of a stack are named: tells which of them have the same code as the one before them. */
  relate(chain: Iterable<RuntimeFrame>): void {
    let last: RuntimeFrame | null = null;
    for (const frame of chain)
      if (frame.words.length > 0) last = frame;
      else if (last && frame.data >= SAME_CODE) this.sameCode.set(frame, last);
  }

  nameOf(frame: RuntimeFrame): Frame {
    const { data, words } = frame;
    if (words.length > 0) return this.functionAt(data, words[0], Number(BigInt.asIntN(32, words[0])));
    const same = this.sameCode.get(frame);
    if (same) return this.functionAt(same.data, same.words[0], (data - SAME_CODE) | 0);
    if (data === PYTHON_MARK.PYTHON_MARK_NO_LOCK) return LOCK;
    if (data === PYTHON_MARK.PYTHON_MARK_TOO_DEEP) return MORE;
    this.failed('torn chain');
    return STALE;
  }

  private functionAt(address: number, word: bigint, position: number): Frame {
    const known = this.codeAt(address, Number(word >> 32n));
    if (!known) return STALE;
    const { layout } = this.reader;
    const line = lineAt(known.code, layout, layout.position === 'units' ? position * 2 : position);
    let frame = known.frames.get(line);
    if (!frame) {
      frame = frameOf(known, line);
      known.frames.set(line, frame);
      if (++this.lines > MAX_LINES) this.forget();
    }
    return frame;
  }

  private codeAt(address: number, fingerprint: number): Known | null {
    const key = `${address}:${fingerprint}`;
    const found = this.known.get(key);
    if (found) return found;
    const code = readCode(this.reader, address, fingerprint);
    if (typeof code === 'string') {
      this.failed(code);
      return null;
    }
    const known = {
      code,
      module: moduleOf(code.fileName),
      file: pathOf(code.fileName, this.folder()),
      frames: new Map(),
    };
    this.lineTableBytes += code.lineTable.length;
    if (this.known.size >= MAX_CODE_OBJECTS || this.lineTableBytes > MAX_LINE_TABLE_BYTES) this.forget();
    this.known.set(key, known);
    return known;
  }

  private forget(): void {
    this.known.clear();
    this.lineTableBytes = 0;
    this.lines = 0;
  }
}

function frameOf({ code, module, file }: Known, line: number | null): Frame {
  return {
    ...EMPTY_FRAME,
    ...displayName(module, code.qualifiedName),
    module,
    kind: 'interpreted',
    runtime: 'python',
    symbolized: true,
    file,
    line: file === null ? null : line,
    functionFile: file,
    functionLine: file !== null && code.firstLine > 0 ? code.firstLine : null,
  };
}

function remark(name: string): Frame {
  return { ...EMPTY_FRAME, name, module: 'python', kind: 'interpreted', runtime: 'python' };
}
