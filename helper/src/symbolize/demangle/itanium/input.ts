// A mangled name while it is read: the place in it, what was read so far for substitutions and template parameters, and the bounds
// that keep a hostile name from costing more than its length is worth.
//
// Grammar: Itanium C++ ABI, "External Names (a.k.a. Mangling)", with the constraints of C++20 and explicit object parameters of C++23.

/** The name is no C++ name, or one that is not understood. */
export class NotMangled extends Error {}

/** A type or name as text around the declarator that it may have: `int (` `)(char)` of a pointer to a function. */
export interface Part {
  left: string;
  right: string;
  /** A parameter pack: its elements. `left` and `right` are empty then. */
  pack?: readonly Part[];
  /** A function or an array, which a pointer to it takes into parentheses. */
  isCompound?: boolean;
}

/** What an encoding must know of the name before its parameters. */
export interface Name {
  text: string;
  /** It ends in template arguments, so that its return type follows. */
  isTemplate: boolean;
  /** Constructors, destructors and conversions have no return type. */
  hasNoReturn: boolean;
  /** `const`, `&` and the like, behind the parameters. */
  qualifiers: string;
  /** Its first parameter is the object: `this`. */
  isExplicitObject: boolean;
}

/** The grammar's rules, each in the module of its kind. They call each other in circles, so they find each other here. */
export interface Rules {
  encoding(input: Input, isLocal?: boolean): string;
  name(input: Input, isEntity: boolean): Name;
  nameOfType(input: Input): Part;
  substitution(input: Input): Part;
  templateArguments(input: Input, isOfName?: boolean): string;
  templateArgument(input: Input): Part;
  type(input: Input): Part;
  templateParameter(input: Input): Part;
  expression(input: Input): string;
  literal(input: Input): string;
}

/** Parts refer to each other, so that text can grow exponentially in the length of the name. */
const MAX_CHARACTERS = 32 * 1024;
const MAX_DEPTH = 192;

export class Input {
  at = 0;
  readonly substitutions: Part[] = [];
  /** Arguments by level of nested templates: generic lambdas have levels of their own. */
  parameters: Part[][] = [];
  private depth = 0;
  private characters = 0;

  constructor(
    readonly text: string,
    readonly rules: Rules,
  ) {}

  peek(offset = 0): string {
    return this.text[this.at + offset] ?? '';
  }

  startsWith(word: string): boolean {
    return this.text.startsWith(word, this.at);
  }

  take(word: string): boolean {
    if (!this.startsWith(word)) return false;
    this.at += word.length;
    return true;
  }

  must(word: string): void {
    if (!this.take(word)) throw new NotMangled();
  }

  fail(): never {
    throw new NotMangled();
  }

  /** Digits, at least one. */
  number(): number {
    const found = /^\d{1,9}/.exec(this.text.slice(this.at, this.at + 10));
    if (!found) throw new NotMangled();
    this.at += found[0].length;
    return Number(found[0]);
  }

  /** `_` is the first, `0_` the second. */
  sequence(radix: 10 | 36 = 10): number {
    let value = 0;
    for (let i = 0; ; i++) {
      const c = this.text[this.at++] ?? '';
      if (c === '_') return i === 0 ? 0 : value + 1;
      const digit = Number.parseInt(c, radix);
      if (Number.isNaN(digit) || (radix === 36 && c >= 'a') || i > 6) throw new NotMangled();
      value = value * radix + digit;
    }
  }

  /** Of a source name: its length and that many characters. */
  identifier(): string {
    const length = this.number();
    const name = this.text.slice(this.at, this.at + length);
    if (name.length < length || length === 0) throw new NotMangled();
    this.at += length;
    return name.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : name;
  }

  remember(part: Part): Part {
    this.substitutions.push(part);
    return part;
  }

  /** `make` one level deeper; its text counts. */
  nested<T extends Part | string>(make: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new NotMangled();
    const made = make();
    this.depth--;
    this.characters += typeof made === 'string' ? made.length : made.left.length + made.right.length;
    if (this.characters > MAX_CHARACTERS) throw new NotMangled();
    return made;
  }
}

export const plain = (left: string): Part => ({ left, right: '' });

export const textOf = ({ left, right, pack }: Part): string => (pack ? listOf(pack) : left + right);

/** With commas between; empty packs leave no trace. */
export function listOf(parts: readonly Part[]): string {
  return parts
    .flatMap((part) => (part.pack ? part.pack.map(textOf) : [textOf(part)]))
    .filter((text) => text !== '')
    .join(', ');
}

/** `void` alone means none. */
export function parametersText(parameters: readonly Part[]): string {
  const text = listOf(parameters);
  return text === 'void' ? '' : text;
}
