// Source around the hottest lines, for readers who cannot click. A recording comes from anywhere and names any file it likes: only files
// that are sources by their name and really lie in folders that the reader works in are opened.

import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { extname } from 'node:path';
import { visibleText } from '../protocol';

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_CHARS = 160;
const AROUND = 2;
const SOURCES = new Set(
  (
    '.c .h .cc .cpp .cxx .hh .hpp .hxx .inl .rs .go .py .pyx .js .mjs .cjs .jsx .ts .mts .cts .tsx .java .kt .scala .cs .fs .rb .php ' +
    '.pl .pm .swift .zig .d .nim .ml .hs .lua .ex .exs .erl .clj .s .asm .vue .svelte'
  ).split(' '),
);

/** Lines around `line`, each with its number, the line itself marked; null: it cannot be shown. */
export async function excerpt(path: string, line: number, folders: readonly string[]): Promise<string[] | null> {
  const text = await sourceText(path, folders);
  if (text === null) return null;
  const lines = text.split('\n');
  if (line < 1 || line > lines.length) return null;
  const from = Math.max(1, line - AROUND);
  const to = Math.min(lines.length, line + AROUND);
  const width = String(to).length;
  return lines
    .slice(from - 1, to)
    .map((one, i) => `${from + i === line ? '>' : ' '} ${String(from + i).padStart(width)}  ${shortened(one)}`);
}

async function sourceText(path: string, folders: readonly string[]): Promise<string | null> {
  if (!SOURCES.has(extname(path).toLowerCase())) return null;
  try {
    const real = await realpath(path);
    const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
    if (!SOURCES.has(extname(real).toLowerCase())) return null;
    if (!roots.some((root) => root !== null && root !== '/' && real.startsWith(`${root}/`))) return null;
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: Number.POSITIVE_INFINITY }));
      if (size > MAX_FILE_BYTES) return null;
      const bytes = Buffer.alloc(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      return bytes.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

function shortened(line: string): string {
  const text = visibleText(line.replace(/\r$/, '').replaceAll('\t', '    '));
  return text.length > MAX_LINE_CHARS ? `${text.slice(0, MAX_LINE_CHARS - 1)}…` : text;
}
