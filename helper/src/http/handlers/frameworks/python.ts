// Decorators of Python: @app.get("/users/{id}") above a function, and the prefix of what `app` is.

import type { SourceText } from '../sourceText';

export interface PythonDecorator {
  owner: string;
  verb: string;
  /** Behind it: its arguments. */
  parts: { start: number; text: string }[];
  path: string;
  function: string;
  line: number;
}

const DEF = /^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)/gm;

export function pythonDecorators(source: SourceText, verbs: string): PythonDecorator[] {
  const found: PythonDecorator[] = [];
  for (const match of source.find(new RegExp(`^[ \\t]*@([\\w.]+)\\.(${verbs})[ \\t]*\\(`, 'gm'))) {
    const open = match.index + match[0].length - 1;
    const given = source.arguments(open);
    const first = given?.parts[0];
    if (!given || !first) continue;
    const quote = first.text.search(/["']/);
    const path = quote < 0 ? undefined : source.literalAt(first.start + quote)?.value;
    DEF.lastIndex = given.end;
    const named = DEF.exec(source.code);
    if (path === undefined || !named) continue;
    const line = source.lineAt(named.index + named[0].length - 1);
    found.push({ owner: match[1], verb: match[2], parts: given.parts, path, function: named[1], line });
  }
  return found;
}

/** `name = Maker("x", …, word="/prefix")` -> prefix by name; those without one have none. */
export function pythonPrefixes(source: SourceText, makers: string, word: string): Map<string, string | null> {
  const prefixes = new Map<string, string | null>();
  for (const match of source.find(
    new RegExp(`^[ \\t]*(\\w+)[ \\t]*(?::[^=\\n]*)?=[ \\t]*(?:[\\w.]*\\.)?(?:${makers})[ \\t]*\\(`, 'gm'),
  )) {
    const given = source.arguments(match.index + match[0].length - 1);
    prefixes.set(match[1], keyword(source, given?.parts ?? [], word));
  }
  return prefixes;
}

/** The text that a keyword argument is given; null: there is none. */
export function keyword(
  source: SourceText,
  parts: readonly { start: number; text: string }[],
  name: string,
): string | null {
  const one = parts.find(({ text }) => new RegExp(`^${name}\\s*=`).test(text));
  return one ? (source.literalAt(one.start + one.text.indexOf('=') + 1)?.value ?? null) : null;
}
