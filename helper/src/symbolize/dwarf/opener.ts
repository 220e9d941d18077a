// Opening the further files that debug information names: split units, packages of them, supplementary files. Workers open them
// themselves, with the rights of the user who records and no more; each must prove that it belongs to the program before anything
// in it is believed. Made by worker.ts.

import { closeSync } from 'node:fs';
import { FormatError } from '../../bytes/cursor';
import { dropPages, FileSource } from '../../bytes/source';
import { ElfFile } from '../../elf/parser';
import { type OpenedFile, openRegular, pathInRoot } from '../../process/roots';

export interface OpenedElf {
  elf: ElfFile;
  path: string;
  close(): void;
}

export interface ElfOpener {
  /** Null where there is no such file, or no ELF file. `path` is absolute, in the file system of the program. */
  open(path: string): OpenedElf | null;
}

/** `rootPrefixes` are tried before every path, in this order: empty for our own root. */
export function elfOpener(rootPrefixes: Set<string>, nextFileId: () => number): ElfOpener {
  return {
    open(path) {
      const opened = openIn(rootPrefixes, path);
      if (!opened) return null;
      const id = nextFileId();
      const close = () => {
        dropPages(id);
        closeSync(opened.fd);
      };
      try {
        return { elf: ElfFile.parse(new FileSource(id, opened.fd, opened.sizeBytes)), path, close };
      } catch (error) {
        close();
        if (error instanceof FormatError) return null;
        throw error;
      }
    },
  };
}

function openIn(rootPrefixes: Set<string>, path: string): OpenedFile | null {
  if (!path.startsWith('/') || path.includes('\0')) return null;
  for (const prefix of rootPrefixes) {
    const real = pathInRoot({ prefix, fd: null }, path);
    const opened = real === null ? null : openRegular(real);
    if (opened) return opened;
  }
  return null;
}
