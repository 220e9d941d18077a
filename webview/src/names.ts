// A function's name as people look for it: its last component first of all, then what it belongs to. Tables dim the way to it and cut
// that from the left; type arguments that would push everything else out of sight become `<…>`. Names are others' text: one pass over
// a bounded part of them, nothing that backtracks.
import { INLINED_SUFFIX } from '../../helper/src/protocol';

export interface NameParts {
  /** `nlohmann::detail::lexer<…>::`, with its separator; empty where there is none. */
  scope: string;
  /** `scan_number`. Never empty. */
  last: string;
  inlined: boolean;
}

/** Marks in graph and tables what was inlined. Before the name, where no narrow box cuts it off. */
export const INLINED_MARK = '↳';

/** Longer names are not looked into further. */
const MAX_PARSED_CHARS = 2_000;
/** Type arguments in a scope that are longer say less than the room that they take. */
const MAX_ARGUMENTS_CHARS = 8;
const OPEN = '<([{';
const CLOSE = '>)]}';
/** A file and an offset, a remark of ours, a module that stands for others. */
const WHOLE = /^\[|^<[^>]*>$|\+0x[0-9a-f]+$| ▸$/;
/** Compilers' suffixes of one function, and what says nothing without the name before it. */
const SUFFIX =
  /^(?:part|isra|constprop|cold|llvm|lto_priv|warm|hot|abi0|\d+|func\d+|gowrap\d+|<lambda>|<locals>|<\w+comp>|<genexpr>|\{\{?closure[^}]*\}\}?|operator.*|new|init|\(\)|\{lambda.*)$/;

/** Where the name is split, and by what: `::`, or without any of these `.` and `/`. */
function components(name: string): string[] {
  const cut = (separator: (at: number) => number): string[] => {
    const parts: string[] = [];
    let [depth, from] = [0, 0];
    for (let at = 0; at < name.length; at++) {
      // What follows the word may be any of the brackets.
      if (depth === 0 && at === from && name.startsWith('operator', at) && !/\w/.test(name[at + 8] ?? ' ')) break;
      // `->` closes nothing.
      if (OPEN.includes(name[at])) depth++;
      else if (CLOSE.includes(name[at]) && name[at - 1] !== '-') depth = Math.max(0, depth - 1);
      if (depth > 0) continue;
      // Parameters, a return type: the function's own.
      if (name[at] === ' ' && at > from) break;
      const length = separator(at);
      if (length === 0 || at === from) continue;
      parts.push(name.slice(from, at + length));
      at += length - 1;
      from = at + 1;
    }
    return [...parts, name.slice(from)];
  };
  const byColons = cut((at) => (name.startsWith('::', at) ? 2 : 0));
  return byColons.length > 1 ? byColons : cut((at) => (name[at] === '.' || name[at] === '/' ? 1 : 0));
}

export function nameParts(shown: string): NameParts {
  const inlined = shown.endsWith(INLINED_SUFFIX);
  const name = inlined ? shown.slice(0, -INLINED_SUFFIX.length) : shown;
  if (name.length > MAX_PARSED_CHARS || WHOLE.test(name)) return { scope: '', last: name, inlined };
  const parts = components(name).filter((part) => part !== '');
  let first = parts.length - 1;
  while (first > 0 && SUFFIX.test(parts[first].replace(/(?:::|\.)$/, ''))) first--;
  const last = parts.slice(first).join('');
  if (last === '') return { scope: '', last: name, inlined };
  return { scope: parts.slice(0, first).map(withoutArguments).join(''), last, inlined };
}

/** `lexer<basic_json<…>, int>::` -> `lexer<…>::` */
function withoutArguments(part: string): string {
  const open = part.indexOf('<');
  const close = part.lastIndexOf('>');
  if (open < 1 || close - open <= MAX_ARGUMENTS_CHARS) return part;
  return `${part.slice(0, open)}<…>${part.slice(close + 1)}`;
}

/** As one text, for the graph's boxes, which are cut in their middle. */
export function shortName(shown: string): string {
  const { scope, last, inlined } = nameParts(shown);
  return `${inlined ? `${INLINED_MARK} ` : ''}${scope}${last}`;
}

/** What is copied: as it is called, without marks. */
export const plainName = (shown: string): string =>
  shown.endsWith(INLINED_SUFFIX) ? shown.slice(0, -INLINED_SUFFIX.length) : shown;
