// Which language runtime a process is, cheaply: by its program's name, then by what the program file says of
// itself, then by the libraries that it maps. Used by the process list for its icons; nothing else relies on it.

import { basename } from 'node:path';
import { readProcess } from '../client/livingThread';
import type { Runtime } from '../protocol';
import { closeTouched, read } from './patience';
import { readProcessLink, readProcessText } from './procfs';
import { openRegular } from './roots';

const BY_PROGRAM: [pattern: RegExp, runtime: Runtime][] = [
  [/^(?:python[\d.]*[dt]?|uwsgi)$/, 'python'],
  [/^pypy[\d.]*(?:-c)?$/, 'pypy'],
  [/^(?:node|nodejs)$/, 'node'],
  [/^bun$/, 'bun'],
  [/^deno$/, 'deno'],
  [/^(?:java|javaw)$/, 'jvm'],
  [/^dotnet$/, 'dotnet'],
  [/^(?:ruby[\d.]*|jruby|puma)$/, 'ruby'],
  [/^(?:php[\d.]*|php-fpm[\d.]*|php-cgi[\d.]*)$/, 'php'],
  [/^perl[\d.]*$/, 'perl'],
];

const BY_LIBRARY: [pattern: RegExp, runtime: Runtime][] = [
  [/\/libjvm\.so/, 'jvm'],
  [/\/libcoreclr\.so/, 'dotnet'],
  [/\/libpypy[\w.]*-c\.so/, 'pypy'],
  [/\/libpython\d[\w.]*\.so/, 'python'],
  [/\/libnode\.so/, 'node'],
  [/\/libruby[\w.-]*\.so/, 'ruby'],
  [/\/libphp[\d.]*\.so/, 'php'],
  [/\/libperl\.so/, 'perl'],
];

/** Verdicts on program files by their path, size of the process list over. */
const byFile = new Map<string, Runtime>();
const MAX_FILES = 4_096;

export function runtimeOf(pid: number): Runtime {
  const program = readProcessLink(pid, 'exe')?.replace(/ \(deleted\)$/, '');
  if (!program) return 'unknown';
  const name = basename(program);
  const named = BY_PROGRAM.find(([pattern]) => pattern.test(name));
  if (named) return named[1];
  const namespace = readProcessLink(pid, 'ns/mnt') ?? '';
  const key = `${namespace}\0${program}`;
  let verdict = byFile.get(key);
  if (verdict === undefined) {
    verdict = readProcess(pid, languageOf) ?? 'unknown';
    if (byFile.size >= MAX_FILES) byFile.clear();
    byFile.set(key, verdict);
  }
  if (verdict !== 'native') return verdict;
  // A program that embeds a runtime, e.g. a server with a Python inside.
  const maps = readProcessText(pid, 'maps') ?? '';
  return BY_LIBRARY.find(([pattern]) => pattern.test(maps))?.[1] ?? 'native';
}

function languageOf(folder: string): Runtime | null {
  const opened = openRegular(`${folder}/exe`, true);
  if (!opened) return null;
  const language = read('compiledLanguage', opened.fd);
  closeTouched(opened.fd);
  return language ?? 'unknown';
}
