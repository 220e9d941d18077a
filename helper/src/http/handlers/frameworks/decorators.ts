// Routes that are written above functions, in classes with a prefix of their own or without: Nest, Spring, Jakarta, ASP.NET.

import { joined } from '../paths';
import type { SourceText } from '../sourceText';
import type { RouteDeclaration } from '../types';

export interface DecoratorRules {
  /** Finds one that makes a route; group 1: its name. Flag g; ends where its arguments would begin. */
  route: RegExp;
  /** Of its name and the text of its arguments. Null: it makes none. */
  methodOf(name: string, given: string): string | null;
  /** Finds one that gives a class its prefix. Flag g. */
  prefix: RegExp;
  /** The function's name behind all decorators: group 1. Flag y. */
  declared: RegExp;
  /** The path of a route stands in another decorator of the same function, which this finds. Flag g. */
  path?: RegExp;
  /** Words of the route's path that stand for the class's name. */
  classWord?: string;
  /** It is whole as it is written, without the class's prefix. */
  isAbsolute?(path: string): boolean;
}

const CLASS = /\bclass\s+(\w+)/g;

export function decoratedRoutes(source: SourceText, rules: DecoratorRules): RouteDeclaration[] {
  const classes = [...source.find(CLASS)].map((match) => ({ at: match.index, name: match[1] }));
  const prefixes = [...source.find(rules.prefix)].map((match) => ({
    at: match.index,
    path: firstText(source, match.index + match[0].length) ?? '',
    owner: classBehind(source, classes, match.index + match[0].length),
  }));
  const found: RouteDeclaration[] = [];
  for (const match of source.find(rules.route)) {
    const behind = match.index + match[0].length;
    const owner = classes.filter(({ at }) => at < match.index).at(-1);
    // Above the class itself: its prefix.
    if (prefixes.some(({ at, owner: own }) => at === match.index && own)) continue;
    const given = source.code[behind] === '(' ? source.arguments(behind) : null;
    const method = rules.methodOf(match[1], given ? source.code.slice(behind, given.end) : '');
    const declared = method === null ? null : nameBehind(source, given?.end ?? behind, rules.declared);
    if (method === null || !declared) continue;
    const path =
      (rules.path ? textBeside(source, match.index, declared.at, rules.path) : firstText(source, behind)) ?? '';
    const prefix = owner ? prefixes.find(({ owner: own }) => own === owner)?.path : undefined;
    const named = (text: string) =>
      rules.classWord && owner
        ? text
            .replace(rules.classWord, owner.name.replace(/Controller$/, '').toLowerCase())
            .replace('[action]', declared.name)
        : text;
    const full = rules.isAbsolute?.(path) ? path.replace(/^~/, '') : `${prefix ?? ''}/${path}`;
    const name = owner ? `${owner.name}.${declared.name}` : declared.name;
    found.push({
      method,
      path: joined('', named(full)),
      whole: true,
      function: name,
      line: source.lineAt(declared.at),
    });
  }
  return found;
}

/** The first literal among the arguments that begin here. */
function firstText(source: SourceText, open: number): string | null {
  const given = source.code[open] === '(' ? source.arguments(open) : null;
  for (const { start, text } of given?.parts ?? []) {
    const quote = text.search(/["'`]/);
    if (quote < 0 || /^(?:produces|consumes|headers|params|name|Name|Order)\b/.test(text)) continue;
    return source.literalAt(start + quote)?.value ?? null;
  }
  return null;
}

/** The class that a decorator stands above: nothing ends, or begins a body, between them. */
function classBehind<Class extends { at: number }>(
  source: SourceText,
  classes: readonly Class[],
  behind: number,
): Class | undefined {
  const next = classes.find(({ at }) => at > behind);
  const from = source.arguments(behind)?.end ?? behind;
  return next && !/[;{}]/.test(source.code.slice(from, next.at)) ? next : undefined;
}

/** Of a decorator between the end of what stands before and the function's name. */
function textBeside(source: SourceText, at: number, name: number, pattern: RegExp): string | null {
  let start = at;
  while (start > 0 && !';{}'.includes(source.code[start - 1])) start--;
  pattern.lastIndex = start;
  const match = pattern.exec(source.code);
  return match && match.index < name ? firstText(source, match.index + match[0].length) : null;
}

/** Further decorators, each with arguments or without, are passed over. */
function nameBehind(source: SourceText, from: number, declared: RegExp): { name: string; at: number } | null {
  let at = source.skipBlanks(from);
  for (let i = 0; i < 32; i++) {
    if (source.code[at] === ']') at = source.skipBlanks(at + 1);
    const bracket = source.code[at] === '[' ? source.arguments(at) : null;
    const decorator = /^@[\w.$]+/.exec(source.code.slice(at, at + 200));
    if (bracket) at = source.skipBlanks(bracket.end);
    else if (decorator) {
      at = source.skipBlanks(at + decorator[0].length);
      const given = source.code[at] === '(' ? source.arguments(at) : null;
      if (given) at = source.skipBlanks(given.end);
    } else break;
  }
  declared.lastIndex = at;
  const match = declared.exec(source.code);
  return match ? { name: match[1], at: match.index + match[0].lastIndexOf(match[1]) } : null;
}
