// What can be asked about, one Subject each, with the answers so far: a mapped file, the vdso, a process's generated code as it is named now. Kept
// by the object that the process table has of it, and gone with it.

import type { FileHandle } from '../elf/handles';
import type { MappedFile } from '../process/files';
import type { JitCode } from '../process/generatedCode';
import type { Place } from '../process/processes';
import type { Frame } from '../runtimes/frame';
import type { Subject } from './batches';
import { type CodeOrigin, userFrames } from './labels';
import type { SeparateDebug } from './separateDebug';

const VDSO: CodeOrigin = { module: '[vdso]', kind: 'native', mtimeMs: null };
const JIT: CodeOrigin = { module: '[jit]', kind: 'jit', mtimeMs: null };

export class Subjects {
  private readonly known = new WeakMap<object, Subject>();

  constructor(
    private readonly debug: SeparateDebug,
    /** Of a file, into its `why`; of the rest, by its name. */
    private readonly report: (of: MappedFile | string, why: string) => void,
    /** Frames of generated code without a name. */
    private readonly unnamed: () => Frame[],
  ) {}

  of(place: Exclude<Place, { kind: 'unknown' }>): Subject {
    const key = place.kind === 'file' ? place.file : place.kind === 'image' ? place.image : place.jit;
    let subject = this.known.get(key);
    if (!subject) {
      if (place.kind === 'file') subject = this.fileSubject(place.file);
      else if (place.kind === 'jit') subject = this.jitSubject(place.jit);
      else {
        const { id, bytes } = place.image;
        subject = {
          answers: new Map(),
          affinity: id,
          task: (positions) => ({ kind: 'image', imageId: id, bytes, positions }),
          frames: (offset, found) => userFrames(VDSO, found, offset),
          problem: (why) => this.report('[vdso]', why),
        };
      }
      this.known.set(key, subject);
    }
    return subject;
  }

  /** More is to be found about them. */
  forgetAnswers(files: readonly MappedFile[]): void {
    for (const file of files) this.known.get(file)?.answers.clear();
  }

  private fileSubject(file: MappedFile): Subject {
    const { fd, path } = file;
    const origin: CodeOrigin = { module: file.baseName, kind: 'native', mtimeMs: file.mtimeMs };
    const handle: FileHandle = { id: file.id, fd: fd!, sizeBytes: file.sizeBytes, path };
    return {
      answers: new Map(),
      affinity: file.id,
      task: async (positions) => ({
        kind: 'symbolize',
        file: handle,
        debug: await this.debug.of(file, handle),
        rootPrefix: file.root.prefix,
        expectedBuildId: file.expectedBuildId,
        positions,
      }),
      frames: (offset, found) => userFrames(origin, found, offset),
      problem: (why) => this.report(file, why),
    };
  }

  private jitSubject({ id, sources }: JitCode): Subject {
    return {
      answers: new Map(),
      affinity: id,
      task: (positions) => ({ kind: 'jit', sources, positions }),
      frames: (_, found) => (found[0]?.name ? userFrames(JIT, found, null) : this.unnamed()),
      problem: (why) => this.report(sources[0].path, why),
    };
  }
}
