// Builds hostileTarget.c for the tests that attack the tracer, in a folder that every user can enter; `removePrograms()` takes
// it away again.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceOf } from './captureHarness';

let folder: string | undefined;

/** Built once a test file. Throws where there is no compiler. */
export function hostileProgram(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'hostile-'));
  chmodSync(folder, 0o755);
  const program = join(folder, 'hostile');
  const flags = ['-g', '-O1', '-fno-omit-frame-pointer', '-pthread'];
  if (!existsSync(program)) execFileSync('cc', [...flags, '-o', program, sourceOf('hostileTarget.c'), '-ldl']);
  return program;
}

/** A library for the mode `load`. */
export function hostileLibrary(): string {
  const library = join(hostileProgram(), '..', 'hostile.so');
  const flags = ['-g', '-O1', '-fno-omit-frame-pointer', '-shared', '-fPIC'];
  if (!existsSync(library)) execFileSync('cc', [...flags, '-o', library, sourceOf('hostileLibrary.c')]);
  return library;
}

export function stallingFileSystem(): string {
  const program = join(hostileProgram(), '..', 'stalling');
  if (!existsSync(program)) execFileSync('cc', ['-O1', '-o', program, sourceOf('stallingFileSystem.c')]);
  return program;
}

/** The same program under another name and with other rights: `mode` 0o4755 makes it root's. */
export function copyWithMode(name: string, mode: number): string {
  const copy = join(hostileProgram(), '..', name);
  copyFileSync(hostileProgram(), copy);
  chmodSync(copy, mode);
  return copy;
}

export function removePrograms(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}
