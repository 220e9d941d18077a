// A source file as the finders of routes read it: comments are gone and what stands in string literals is blanked, at the same places,
// so that a pattern meets code alone; the literals' texts are beside. It knows no grammar, and takes any text.

export type Language = 'script' | 'python' | 'c' | 'go' | 'rust' | 'ruby';

const LANGUAGE_OF: Readonly<Record<string, Language>> = {
  ...{
    '.js': 'script',
    '.mjs': 'script',
    '.cjs': 'script',
    '.jsx': 'script',
    '.ts': 'script',
    '.mts': 'script',
    '.cts': 'script',
  },
  ...{
    '.tsx': 'script',
    '.py': 'python',
    '.java': 'c',
    '.kt': 'c',
    '.cs': 'c',
    '.go': 'go',
    '.rs': 'rust',
    '.rb': 'ruby',
  },
};

export const endingOf = (path: string): string => /\.[^./]+$/.exec(path)?.[0] ?? '';
export const isSource = (path: string): boolean => Object.hasOwn(LANGUAGE_OF, endingOf(path));

/** Stands for each character within a literal. */
const BLANK = '_';
/** Arguments and blocks that are longer are not looked at to their end. */
const BRACKETS_MOST_CHARS = 50_000;
/** Of all of a file together: one that means harm opens brackets everywhere. */
const LOOKED_AT_MOST_CHARS = 5_000_000;

interface Literal {
  /** Of its first quote, and behind its last. */
  start: number;
  end: number;
  value: string;
}

export class SourceText {
  /** As long as `text`. */
  readonly code: string;
  private readonly literals = new Map<number, Literal>();
  private lineStarts: number[] | null = null;
  private lookedAt = 0;

  constructor(
    readonly path: string,
    readonly text: string,
  ) {
    const pieces: string[] = [];
    let copied = 0;
    const blank = (from: number, to: number, filler: string) => {
      pieces.push(text.slice(copied, from), text.slice(from, to).replace(/[^\n]/g, filler));
      copied = to;
    };
    for (const token of tokens(text, LANGUAGE_OF[endingOf(path)] ?? 'c')) {
      if (token.inner === null) blank(token.start, token.end, ' ');
      else {
        const [from, to] = token.inner;
        blank(from, to, BLANK);
        this.literals.set(token.start, { start: token.start, end: token.end, value: text.slice(from, to) });
      }
    }
    this.code = pieces.join('') + text.slice(copied);
  }

  /** From 1. */
  lineAt(offset: number): number {
    if (!this.lineStarts) {
      this.lineStarts = [0];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
        this.lineStarts.push(at + 1);
    }
    let [low, high] = [0, this.lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.lineStarts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The literal that begins here, behind blanks. */
  literalAt(offset: number): Literal | null {
    return this.literals.get(this.skipBlanks(offset)) ?? null;
  }

  skipBlanks(offset: number): number {
    let at = offset;
    while (at < this.code.length && /\s/.test(this.code[at])) at++;
    return at;
  }

  /** What stands between the bracket here and its partner, parted at commas of the same depth; null: no bracket, or no end. */
  arguments(open: number): { parts: { start: number; text: string }[]; end: number } | null {
    const { code } = this;
    if (!'([{'.includes(code[open] ?? ' ') || this.lookedAt > LOOKED_AT_MOST_CHARS) return null;
    const parts: { start: number; text: string }[] = [];
    let depth = 0;
    let start = open + 1;
    const last = Math.min(code.length, open + BRACKETS_MOST_CHARS);
    const part = (end: number) => {
      const from = this.skipBlanks(start);
      if (from < end) parts.push({ start: from, text: code.slice(from, end).trimEnd() });
    };
    for (let at = open; at < last; at++) {
      const char = code[at];
      if (char === '(' || char === '[' || char === '{') depth++;
      else if (char === ')' || char === ']' || char === '}') {
        if (--depth > 0) continue;
        part(at);
        this.lookedAt += at - open;
        return { parts, end: at + 1 };
      } else if (char === ',' && depth === 1) {
        part(at);
        start = at + 1;
      }
    }
    this.lookedAt += last - open;
    return null;
  }

  /** All matches of a pattern with the flag g. */
  *find(pattern: RegExp): Iterable<RegExpExecArray> {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(this.code); match; match = pattern.exec(this.code)) {
      yield match;
      if (match[0] === '') pattern.lastIndex++;
    }
  }

  /** Where a name is given to a function or class in this file; null: nowhere. */
  lineOfFunction(name: string): number | null {
    if (!/^[\w$]+$/.test(name)) return null;
    const word = name.replaceAll('$', '\\$');
    const match = new RegExp(
      `\\b(?:function\\*?|def|fn|func(?: *\\([^)\\n]*\\))?|class|const|let|var) +${word}\\b|` +
        `^[ \\t]*(?!(?:return|await|throw|new|else|yield)\\b)(?:[\\w<>[\\],.?]+[ \\t]+)+${word} *\\(|` +
        `^[ \\t]*${word} *\\([^)\\n]*\\) *\\{|^[ \\t]*(?:module\\.)?exports\\.${word} *=`,
      'm',
    ).exec(this.code);
    return match ? this.lineAt(match.index + match[0].length - 1) : null;
  }
}

interface Token {
  start: number;
  end: number;
  /** Null: a comment. */
  inner: [from: number, to: number] | null;
}

/** Of comments, literals and the few things that look like them. */
const PATTERNS: Readonly<Record<Language, RegExp>> = {
  script:
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|`(?:[^`\\]|\\[\s\S])*`|(?<=[(,=:[!&|?{};\n]\s{0,8})\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g,
  python: /#[^\n]*|[rRbBfFuU]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')/g,
  c: /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"""[\s\S]*?"""|[@$]{1,2}"(?:[^"]|"")*"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'/g,
  go: /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'/g,
  rust: /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\br#"[\s\S]*?"#|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\\n]|\\.)'/g,
  ruby: /#(?!\{)[^\n]*|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/g,
};

const COMMENT = /^(?:\/\/|\/\*|#(?!"))/;
const QUOTES = /^([a-zA-Z@$]{0,2}#?)("""|'''|["'`/])/;

function* tokens(text: string, language: Language): Iterable<Token> {
  const pattern = PATTERNS[language];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [whole] = match;
    const [start, end] = [match.index, match.index + whole.length];
    if (COMMENT.test(whole)) {
      yield { start, end, inner: null };
      continue;
    }
    const [, prefix, quote] = QUOTES.exec(whole)!;
    const closing = quote.length + (prefix.endsWith('#') ? 1 : 0);
    // A literal is found by its first quote; what stands before it is code.
    yield { start: start + prefix.length, end, inner: [start + prefix.length + quote.length, end - closing] };
  }
}
