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

/** busybox has some 400. */
const MAX_NAMES_PER_FILE = 512;
const VDSO: CodeOrigin = { module: '[vdso]', kind: 'native', mtimeMs: null };
const JIT: CodeOrigin = { module: '[jit]', kind: 'jit', mtimeMs: null };

export class Subjects {
  private readonly known = new WeakMap<object, Subject>();
  /** Of files that run under other names than their own too: what workers know of a file is the same, what it is called is not. */
  private readonly renamed = new WeakMap<MappedFile, Map<string, Subject>>();

  constructor(
    private readonly debug: SeparateDebug,
    /** Of a file, into its `why`; of the rest, by its name. */
    private readonly report: (of: MappedFile | string, why: string) => void,
    /** Frames of generated code without a name. */
    private readonly unnamed: () => Frame[],
  ) {}

  of(place: Exclude<Place, { kind: 'unknown' }>): Subject {
    if (place.kind === 'file' && place.module !== place.file.baseName) return this.ofRenamed(place.file, place.module);
    const key = place.kind === 'file' ? place.file : place.kind === 'image' ? place.image : place.jit;
    let subject = this.known.get(key);
    if (!subject) {
      if (place.kind === 'file') subject = this.fileSubject(place.file, place.file.baseName);
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
    for (const file of files) {
      this.known.get(file)?.answers.clear();
      for (const subject of this.renamed.get(file)?.values() ?? []) subject.answers.clear();
    }
  }

  private ofRenamed(file: MappedFile, module: string): Subject {
    const subjects = this.renamed.get(file) ?? new Map<string, Subject>();
    this.renamed.set(file, subjects);
    let subject = subjects.get(module);
    if (!subject) {
      // A file with links by the thousand: the oldest name's answers are asked for again.
      if (subjects.size >= MAX_NAMES_PER_FILE) subjects.delete(subjects.keys().next().value as string);
      subject = this.fileSubject(file, module);
      subjects.set(module, subject);
    }
    return subject;
  }

  private fileSubject(file: MappedFile, module: string): Subject {
    const { fd, path } = file;
    const origin: CodeOrigin = { module, kind: 'native', mtimeMs: file.mtimeMs };
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
