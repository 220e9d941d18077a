// From a function at a place in a script to the frame that is shown: by its source map where the script has one.

import { basename } from 'node:path';
import { EMPTY_FRAME, type Frame } from '../frame';
import type { SourceMaps } from '../sourceMaps';
import { pathOfScript } from '../sourceMaps/locate';
import type { ScriptPlace } from './types';

/** As V8 itself calls functions without a name. */
const ANONYMOUS = '(anonymous)';
/** Text of the names of scripts that are no files, `node:fs` and `evaluated code`, stands for their module. */
const EVALUATED = '[eval]';

/** Frames without an own kind of code: V8's builtins, RegExp, WebAssembly. */
export function runtimeFrame(name: string, kind: Frame['kind'], symbolized = true): Frame {
  return { ...EMPTY_FRAME, name, module: '[v8]', kind, runtime: 'node', symbolized };
}

export function compiledFrame(place: ScriptPlace): Frame {
  const path = pathOfScript(place.scriptName);
  const file = path ?? (place.scriptName === '' ? null : place.scriptName);
  return {
    ...EMPTY_FRAME,
    name: qualified(place.memberOf?.className, place.functionName),
    module: moduleOf(path, place.scriptName),
    kind: place.tier === 'interpreted' ? 'interpreted' : 'jit',
    runtime: 'node',
    symbolized: true,
    file,
    line: place.line,
    column: place.column,
    functionFile: file,
    functionLine: place.functionLine,
    inlined: place.inlined,
  };
}

/** `problem`: hears why a script's map gives nothing. */
export function shownFrame(
  place: ScriptPlace,
  rootPrefix: string,
  maps: SourceMaps,
  problem: (why: string) => void,
): Frame | Promise<Frame> {
  const compiled = compiledFrame(place);
  const { sourceMapUrl, line, column, nameLine, nameColumn } = place;
  if (sourceMapUrl === null || line === null || column === null) return compiled;
  const script = { scriptName: place.scriptName, mapUrl: sourceMapUrl, rootPrefix };
  const here = maps.originalOf(script, { line, column, nameLine, nameColumn });
  const start =
    place.functionLine === null || place.functionColumn === null
      ? null
      : maps.originalOf(script, {
          line: place.functionLine,
          column: place.functionColumn,
          nameLine: null,
          nameColumn: null,
        });
  const { memberOf } = place;
  const member =
    memberOf === undefined
      ? null
      : maps.originalOf(script, { line, column, nameLine: memberOf.line, nameColumn: memberOf.column });
  const together = ([at, from, ofClass]: [typeof here, typeof start, typeof member]): Frame => {
    const original = at instanceof Promise ? null : at;
    if (!original) {
      const why = maps.problemOf(script);
      if (why !== null) problem(`${why}: ${compiled.module}`);
      return compiled;
    }
    const declared = from instanceof Promise ? null : from;
    const className = ofClass instanceof Promise ? undefined : (ofClass?.name ?? undefined);
    return {
      ...compiled,
      name: original.name === null ? compiled.name : qualified(className, original.name),
      module: basename(original.file),
      file: original.file,
      line: original.line,
      column: original.column,
      functionFile: declared?.file ?? original.file,
      functionLine: declared?.line ?? null,
    };
  };
  if (![here, start, member].some((one) => one instanceof Promise)) return together([here, start, member]);
  return Promise.all([here, start, member]).then(together);
}

/** `Cart.total`; a constructor has its class's name already, and what V8 inferred has one before its dot. */
function qualified(className: string | undefined, name: string): string {
  if (className === undefined || name === '' || name === className || name.includes('.')) return name || ANONYMOUS;
  return `${className}.${name}`;
}

function moduleOf(path: string | null, scriptName: string): string {
  if (path !== null) return basename(path);
  return scriptName === '' ? EVALUATED : scriptName;
}
