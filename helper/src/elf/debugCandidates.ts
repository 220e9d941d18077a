// Which of the files that may be a program's separate debug file is it.

import { crc32OfFile } from '../bytes/crc32';
import { messageOf } from '../bytes/cursor';
import { FileSource } from '../bytes/source';
import type { DebugHandle } from './handles';
import { ElfFile } from './parser';

/** The first candidate that belongs to the program: same build-id, or the CRC that its debug link gives. */
export function chooseDebugFile(
  elf: ElfFile,
  candidates: DebugHandle[],
): { debug: ElfFile | null; path: string | null; problem: string | null } {
  let problem: string | null = null;
  for (const candidate of candidates) {
    try {
      const source = new FileSource(candidate.id, candidate.fd, candidate.sizeBytes);
      const debug = ElfFile.parse(source);
      const sameBuild = elf.buildId !== null && debug.buildId === elf.buildId;
      if (sameBuild || (candidate.crc !== null && crc32OfFile(source) === candidate.crc))
        return { debug, path: candidate.path, problem: null };
      const differs = candidate.crc === null ? 'build-id' : "checksum, which the program's debug link names,";
      problem = `debug file ${candidate.path} belongs to another build: its ${differs} differs`;
    } catch (error) {
      problem = `${candidate.path}: ${messageOf(error)}`;
    }
  }
  return { debug: null, path: null, problem };
}
