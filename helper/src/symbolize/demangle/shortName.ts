// A demangled name short enough for a flame graph's box: no parameters, no return type, template arguments only while they fit. The
// full name stays in the tooltip.

/** Longer names lose the contents of their angle brackets. */
const FITTING_CHARACTERS = 64;

/** C++ as demanglers print it: `std::vector<int, …>::push_back(int const&)` -> `std::vector<int, …>::push_back`. */
export function shortCppName(full: string): string {
  // Made by the compiler for a variable: that is its whole name.
  if (full.startsWith('TLS ')) return full;
  const { text, suffix } = withoutCloneSuffix(full);
  const name = withoutReturnType(withoutParameters(text));
  return (name.length > FITTING_CHARACTERS ? withoutArguments(name) : name) + suffix;
}

/** Rust: `<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend` keeps its shape, long generic arguments go. */
export function shortRustName(full: string): string {
  return full.length > FITTING_CHARACTERS ? withoutArguments(full) : full;
}

function withoutCloneSuffix(full: string): { text: string; suffix: string } {
  const match = /^(.*?)((?: \[clone [^\]]*\])+)$/.exec(full);
  // `.cold` and `.part` say that this is a piece of the function; what else compilers cloned is the function itself.
  return match ? { text: match[1], suffix: match[2].includes('.cold') ? ' [cold]' : '' } : { text: full, suffix: '' };
}

const OPERATOR_CALL = 'operator()';

/** Cuts at the parenthesis that opens the last parameter list at nesting depth 0. */
function withoutParameters(text: string): string {
  let depth = 0;
  for (let i = text.length - 1; i >= 0; i--) {
    const c = text[i];
    if (c === ')') depth++;
    else if (c === '(' && --depth === 0) {
      const before = text.slice(0, i);
      if (before.endsWith('operator')) return text.slice(0, i + OPERATOR_CALL.length - 'operator'.length);
      // `(anonymous namespace)` at the start of a name is no parameter list.
      return before === '' || before.endsWith('::') ? text : before;
    }
  }
  return text;
}

/** `void foo<int>` -> `foo<int>`: templates carry their return type. */
function withoutReturnType(name: string): string {
  let depth = 0;
  for (let i = name.length - 1; i > 0; i--) {
    const c = name[i];
    if (isArrow(name, i)) continue;
    if (c === '>' || c === ')' || c === '}' || c === ']') depth++;
    else if (c === '<' || c === '(' || c === '{' || c === '[') depth--;
    else if (c === ' ' && depth === 0) {
      // `operator new`, `foo::operator bool`, `operator unsigned long`: the blank belongs to the name.
      if (/\boperator\b/.test(name.slice(0, i))) continue;
      return name.slice(i + 1);
    }
  }
  return name;
}

function withoutArguments(name: string): string {
  let result = '';
  let depth = 0;
  for (let i = 0; i < name.length; i++) {
    const c = name[i];
    const operator = isArrow(name, i);
    // Rust's `<T as Trait>::method` would vanish whole.
    const opens = c === '<' && !operator && (depth > 0 || (result !== '' && !result.endsWith('<')));
    if (opens && depth++ === 0) result += '<';
    else if (depth === 0) result += c;
    else if (c === '>' && !operator && --depth === 0) result += '…>';
  }
  return result;
}

const OPERATOR_SIGN = /^(?:<=>|<<=|>>=|<<|>>|<=|>=|->|<|>)/;

/** `->`, `operator<`, `operator>>=` and the like hold no brackets. */
function isArrow(name: string, i: number): boolean {
  const c = name[i];
  if (c !== '<' && c !== '>') return false;
  if (c === '>' && name[i - 1] === '-') return true;
  // Looked for near only: names of templates have thousands of brackets.
  const near = name.slice(Math.max(0, i - 10), i);
  const start = near.lastIndexOf('operator');
  if (start < 0) return false;
  // `operator>><char>`: only the first two belong to the operator.
  const from = i - near.length + start + 'operator'.length;
  const sign = OPERATOR_SIGN.exec(name.slice(from, from + 3));
  return sign !== null && i < from + sign[0].length;
}
