// Which functions of a script are members of which class: V8 keeps no such thing where a profiler could read it cheaply, but the
// script's text says it. A function's text starts with the bracket of its parameters, so what is looked for is the brackets that stand
// directly in a class's body. One pass over the text tells strings, templates, comments and regular expressions from code; where
// braces do not match in the end, it was fooled somewhere, and nothing that it found is believed.
//
// Grammar: ECMA-262, 12 (lexical grammar), 15.7 (class definitions).

/** A longer text would keep the helper from its ring for too long. */
const MAX_UNITS = 4 * 1024 * 1024;
const MAX_MEMBERS = 100_000;
const MAX_DEPTH = 10_000;
const MAX_NAME_UNITS = 200;

export interface MemberClass {
  name: string;
  /** Where the name stands in the text. */
  at: number;
}

/** By the start of a member's text. */
export type ClassMembers = ReadonlyMap<number, MemberClass>;

const NONE: ClassMembers = new Map();
/** Behind them a slash begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  'return typeof case in of do else void delete throw new instanceof await yield'.split(' '),
);
const IDENTIFIER = /[\w$\u0080-\uffff]/;
const WORD = /[\w$\u0080-\uffff#]+/y;
const REGULAR_EXPRESSION = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const CLASS_NAME = /\s+(?!extends\b)([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)/y;
const ASSIGNED_NAME = /([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)\s*=\s*$/;

/** What a brace or bracket that is open stands for. */
type Open = 'block' | 'round' | 'square' | 'template' | MemberClass | 'nameless class';

export function classMembersOf(text: string): ClassMembers {
  if (text.length > MAX_UNITS || !/\bclass\b/.test(text)) return NONE;
  const found = new Map<number, MemberClass>();
  const open: Open[] = [];
  /** Classes whose bodies begin with the next brace at their depth; one may stand in what another extends. */
  const coming: { of: MemberClass | 'nameless class'; depth: number }[] = [];
  /** Whether an expression may begin here, so that a slash is no division. */
  let expects = true;
  let at = 0;
  /** Within a template's text; returns behind it, or behind the `${` that begins code. */
  const template = () => {
    for (; at < text.length; at++) {
      const unit = text[at];
      if (unit === '\\') at++;
      else if (unit === '`') {
        at++;
        expects = false;
        return;
      } else if (unit === '$' && text[at + 1] === '{') {
        at += 2;
        open.push('template');
        expects = true;
        return;
      }
    }
  };
  while (at < text.length) {
    const unit = text[at];
    if (unit === ' ' || unit === '\n' || unit === '\t' || unit === '\r') {
      at++;
      continue;
    }
    if (IDENTIFIER.test(unit) || unit === '#') {
      WORD.lastIndex = at;
      const word = WORD.exec(text)![0];
      if (word === 'class' && text[at - 1] !== '.') {
        CLASS_NAME.lastIndex = at + word.length;
        const named = CLASS_NAME.exec(text);
        const assigned = named ? null : ASSIGNED_NAME.exec(text.slice(Math.max(0, at - MAX_NAME_UNITS), at));
        const name = named?.[1] ?? assigned?.[1];
        const nameAt = named ? CLASS_NAME.lastIndex - named[1].length : text.lastIndexOf(name ?? '', at - 1);
        const isKey = /^\s*[:=(,]/.test(text.slice(at + word.length, at + word.length + MAX_NAME_UNITS));
        if (!isKey)
          coming.push({
            of: name === undefined || name.length > MAX_NAME_UNITS ? 'nameless class' : { name, at: nameAt },
            depth: open.length,
          });
      }
      at += word.length;
      expects = BEFORE_EXPRESSION.has(word);
      continue;
    }
    switch (unit) {
      case '"':
      case "'":
        for (at++; at < text.length && text[at] !== unit && text[at] !== '\n'; at++) if (text[at] === '\\') at++;
        at++;
        expects = false;
        continue;
      case '`':
        at++;
        template();
        continue;
      case '/': {
        const next = text[at + 1];
        if (next === '/' || next === '*') {
          const end = next === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2);
          if (end < 0) at = text.length;
          else at = next === '/' ? end : end + 2;
          continue;
        }
        REGULAR_EXPRESSION.lastIndex = at;
        if (expects && REGULAR_EXPRESSION.test(text)) {
          at = REGULAR_EXPRESSION.lastIndex;
          expects = false;
          continue;
        }
        break;
      }
      case '{':
        open.push(coming.at(-1)?.depth === open.length ? coming.pop()!.of : 'block');
        break;
      case '(': {
        const inside = open.at(-1);
        if (typeof inside === 'object') {
          if (found.size >= MAX_MEMBERS) return NONE;
          found.set(at, inside);
        }
        open.push('round');
        break;
      }
      case '[':
        open.push('square');
        break;
      case '}':
      case ')':
      case ']': {
        const last = open.pop();
        const closes = last === 'round' ? ')' : last === 'square' ? ']' : '}';
        if (last === undefined || closes !== unit) return NONE;
        at++;
        expects = unit === '}';
        if (last === 'template') template();
        continue;
      }
    }
    if (open.length > MAX_DEPTH) return NONE;
    at++;
    expects = true;
  }
  return open.length === 0 ? found : NONE;
}
