// THE registry of language runtimes: one line each. What the rest of the helper asks of all of them stands below.

import { FormatError } from '../bytes/cursor';
import type { ElfFile } from '../elf/parser';
import { PF_X, PT_LOAD } from '../elf/types';
import type { RuntimeId } from '../protocol';
import { go } from './go';
import { NATIVE_ONLY } from './nativeOnly';
import { python } from './python';
import type { RecognizedFile } from './recognizedFiles';
import type { CompiledFile, RuntimeImage, RuntimePlugin } from './types';
import { v8 } from './v8';

export const RUNTIMES: readonly RuntimePlugin[] = [
  go as RuntimePlugin,
  v8 as RuntimePlugin,
  python as RuntimePlugin,
  ...NATIVE_ONLY,
];

/** What a file holds, of each runtime at most one image. `problem` takes what is wrong with it, in plain words. */
export function recognizeRuntimes(
  elf: ElfFile,
  problem: (text: string) => void,
  plugins: readonly RuntimePlugin[] = RUNTIMES,
): RecognizedFile {
  const images: RuntimeImage[] = [];
  for (const plugin of plugins) {
    try {
      const image = plugin.recognize(elf);
      if (image) images.push(image);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problem(`${plugin.id}: ${error.message}`);
    }
  }
  const executable = elf.segments.filter(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0);
  const segments = executable.map(({ fileOffset, address, fileSizeBytes }) => ({
    fileOffset,
    address,
    sizeBytes: fileSizeBytes,
  }));
  return { images, segments };
}

/** The file as the runtime has it whose language it is compiled from; null: as C compilers leave it. Throws FormatError. */
export function compiledFileOf(elf: ElfFile): { runtime: RuntimeId; file: CompiledFile } | null {
  for (const { id, compiled } of RUNTIMES) {
    const file = compiled?.(elf) ?? null;
    if (file) return { runtime: id, file };
  }
  return null;
}
