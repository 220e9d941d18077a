// A recording without what its owner would not show to others, before an assistant sees it: arguments of commands, which hold tokens and
// names, and paths outside of the folders that are worked in. What stands in their place is told apart and can be read.

import { posix } from 'node:path';
import { type RecordingFile, tracerError } from '../protocol';
import { extraOf } from './figures';

export const REDACTIONS = ['arguments', 'paths'] as const;
export type Redaction = (typeof REDACTIONS)[number];

/** Of `arguments,paths` or `none`. Throws USAGE. */
export function redactionsOf(list: string): Redaction[] {
  if (list === 'none') return [];
  return list.split(',').map((word) => {
    const known = REDACTIONS.find((one) => one === word.trim());
    if (!known)
      throw tracerError('USAGE', `"${word}" cannot be redacted: write arguments, paths, both with a comma, or none.`);
    return known;
  });
}

export interface Redacted {
  file: RecordingFile;
  /** The path that a shown one stands for. */
  originalOf(shown: string): string;
}

/** `folders`: paths below them are shown from there on, whatever is redacted. */
export function redacted(file: RecordingFile, redactions: readonly Redaction[], folders: readonly string[]): Redacted {
  const originals = new Map<string, string>();
  const hidePaths = redactions.includes('paths');
  const shownPath = (path: string) => {
    if (!hidePaths || !path.startsWith('/') || folders.some((folder) => path.startsWith(`${folder}/`))) return path;
    const name = posix.basename(path);
    // Two files of one name are two.
    let shown = `…/${name}`;
    for (let i = 2; originals.has(shown) && originals.get(shown) !== path; i++) shown = `…${i}/${name}`;
    originals.set(shown, path);
    return shown;
  };
  const extra = extraOf(file);
  const program = posix.basename(extra.command.split(' ')[0]);
  const hideArguments = redactions.includes('arguments');
  const inText = (text: string) =>
    hidePaths ? text.replace(/(?<![\w…])\/(?:[\w@+.-]+\/)+[\w@+.-]+/g, (path) => shownPath(path)) : text;
  return {
    originalOf: (shown) => originals.get(shown) ?? shown,
    file: {
      ...file,
      shared: {
        frames: file.shared.frames.map((frame) => (frame.file ? { ...frame, file: shownPath(frame.file) } : frame)),
      },
      ebpfTracer: {
        ...extra,
        title:
          hideArguments && extra.title.includes(' ') && extra.command.includes(' ')
            ? program || extra.title
            : inText(extra.title),
        command: hideArguments ? program : inText(extra.command),
        cwd: extra.cwd && shownPath(extra.cwd),
        health: {
          ...extra.health,
          badFiles: extra.health.badFiles.map((bad) => ({ path: shownPath(bad.path), why: inText(bad.why) })),
          unnamedFiles: extra.health.unnamedFiles?.map((one) => ({ ...one, path: shownPath(one.path) })),
        },
        errors: extra.errors.map((error) => ({ ...error, message: inText(error.message) })),
      },
    },
  };
}
