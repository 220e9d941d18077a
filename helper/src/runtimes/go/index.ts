// Go, as far as the helper knows it: names, lines and unwind rows from the tables that its linker leaves in every program, and the
// goroutines as execution contexts. Its functions are native frames: it has no walker of its own, only a label for samples.

import type { ElfFile } from '../../elf/parser';
import type { CompiledFile, MappedImage, RuntimeImage, RuntimePlugin, RuntimeProcess, TracedProcess } from '../types';
import { GoFile } from './file';
import { type GoroutineLayout, goroutineLayout, goroutineOfRaw, mapValue } from './goroutines';
import { isGoFile } from './pclntab/parser';
import { goVersion, minorOf } from './version';

export interface GoImage extends RuntimeImage {
  runtime: 'go';
  /** Null: a library, or the runtime's version is not known. */
  goroutines: GoroutineLayout | null;
}

export const go: RuntimePlugin<GoImage> = {
  id: 'go',
  number: 1,
  object: null,

  recognize(elf: ElfFile): GoImage | null {
    if (!isGoFile(elf)) return null;
    const version = goVersion(elf);
    return { runtime: 'go', version, goroutines: goroutineLayout(elf, minorOf(version)) };
  },

  compiled(elf: ElfFile): CompiledFile | null {
    return GoFile.open(elf);
  },

  attach(_: TracedProcess, { image }: MappedImage<GoImage>): RuntimeProcess {
    return {
      state: { status: 'named' },
      mapValues: image.goroutines ? [{ map: 'go_processes', value: mapValue(image.goroutines) }] : [],
      ranges: [],
      contextKind: image.goroutines ? 'goroutine' : null,
      mappingsChanged: () => {},
      rawLabel: (words) => (image.goroutines ? goroutineOfRaw(image.goroutines, words) : 0),
      resolve: () => [],
      release: () => {},
    };
  },
};
