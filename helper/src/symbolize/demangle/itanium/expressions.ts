// Expressions of mangled names: in template arguments, array sizes, decltype and constraints. They are read so that what stands
// behind them can be; as text they are short.

import { type Input, type Part, textOf } from './input';
import { BINARY, OPERATORS, UNARY } from './operators';

const CASTS: Record<string, string> = {
  dc: 'dynamic_cast',
  sc: 'static_cast',
  cc: 'const_cast',
  rc: 'reinterpret_cast',
};
const OF_TYPE: Record<string, string> = { st: 'sizeof', at: 'alignof', ti: 'typeid' };
const OF_EXPRESSION: Record<string, string> = { sz: 'sizeof', az: 'alignof', te: 'typeid', nx: 'noexcept' };

export function expression(input: Input): string {
  return input.nested(() => read(input));
}

function read(input: Input): string {
  const two = input.text.slice(input.at, input.at + 2);
  const c = input.peek();
  if (c === 'L') return literal(input);
  if (c === 'T') return textOf(input.rules.templateParameter(input));
  if (two === 'fp' || two === 'fL') return functionParameter(input);
  if (two === 'fl' || two === 'fr' || two === 'fL' || two === 'fR') return fold(input, two);
  input.take('gs');
  const code = input.text.slice(input.at, input.at + 2);
  input.at += 2;
  if (code === 'pp' || code === 'mm') {
    const sign = OPERATORS[code];
    return input.take('_') ? sign + inner(input) : inner(input) + sign;
  }
  if (UNARY.has(code)) return OPERATORS[code] + inner(input);
  if (BINARY.has(code)) return `${inner(input)} ${OPERATORS[code]} ${inner(input)}`;
  if (CASTS[code]) return `${CASTS[code]}<${textOf(input.rules.type(input))}>(${expression(input)})`;
  if (OF_TYPE[code]) return `${OF_TYPE[code]}(${textOf(input.rules.type(input))})`;
  if (OF_EXPRESSION[code]) return `${OF_EXPRESSION[code]}(${expression(input)})`;
  switch (code) {
    case 'cl':
    case 'cp':
      return `${inner(input)}(${list(input)})`;
    case 'cv': {
      const to = textOf(input.rules.type(input));
      return input.take('_') ? `(${to})(${list(input)})` : `(${to})${inner(input)}`;
    }
    case 'tl':
      return `${textOf(input.rules.type(input))}{${list(input)}}`;
    case 'il':
      return `{${list(input)}}`;
    case 'ix':
      return `${inner(input)}[${expression(input)}]`;
    case 'qu':
      return `${inner(input)} ? ${inner(input)} : ${inner(input)}`;
    case 'dt':
      return `${inner(input)}.${unresolved(input)}`;
    case 'pt':
      return `${inner(input)}->${unresolved(input)}`;
    case 'ds':
      return `${inner(input)}.*${inner(input)}`;
    case 'sZ':
      return `sizeof...(${input.peek() === 'T' ? textOf(input.rules.templateParameter(input)) : functionParameter(input)})`;
    case 'sP': {
      const args: string[] = [];
      while (!input.take('E')) args.push(textOf(input.rules.templateArgument(input)));
      return `sizeof...(${args.join(', ')})`;
    }
    case 'sp':
      return `${expression(input)}...`;
    case 'tw':
      return `throw ${inner(input)}`;
    case 'tr':
      return 'throw';
    case 'nw':
    case 'na': {
      while (!input.take('_')) expression(input);
      const what = `new ${textOf(input.rules.type(input))}`;
      if (input.take('E')) return what;
      input.must('pi');
      return `${what}(${list(input)})`;
    }
    case 'dl':
    case 'da':
      return `delete ${inner(input)}`;
    case 'aw':
      return `co_await ${inner(input)}`;
    case 'rq':
    case 'rQ':
      return requirement(input, code === 'rQ');
    case 'on':
    case 'sr':
      input.at -= 2;
      return unresolved(input);
    case 'so': {
      const what = textOf(input.rules.type(input));
      expression(input);
      while (!input.take('E')) input.at++;
      return what;
    }
    default:
      input.at -= 2;
      if (/\d/.test(input.peek())) return unresolved(input);
      if (input.take('u')) {
        const name = input.identifier();
        const args: string[] = [];
        while (!input.take('E')) args.push(textOf(input.rules.templateArgument(input)));
        return `${name}(${args.join(', ')})`;
      }
      return input.fail();
  }
}

/** An operand in parentheses, where it is more than a word. */
function inner(input: Input): string {
  const text = expression(input);
  return /^[\w:$.]+$/.test(text) ? text : `(${text})`;
}

function list(input: Input): string {
  const texts: string[] = [];
  while (!input.take('E')) texts.push(expression(input));
  return texts.join(', ');
}

/** `fp_`, `fp0_`, `fL0p_`, `fpT` (this). */
function functionParameter(input: Input): string {
  input.must('f');
  if (input.take('L')) input.number();
  input.must('p');
  if (input.take('T')) return 'this';
  while (input.take('r') || input.take('V') || input.take('K')) {
    // qualifiers say nothing of which one it is
  }
  const number = input.peek() === '_' ? '' : String(input.number());
  input.must('_');
  return `fp${number}`;
}

function fold(input: Input, code: string): string {
  input.at += 2;
  const sign = OPERATORS[input.text.slice(input.at, input.at + 2)] ?? input.fail();
  input.at += 2;
  const first = expression(input);
  const second = code === 'fL' || code === 'fR' ? expression(input) : '';
  if (code === 'fl') return `(... ${sign} ${first})`;
  if (code === 'fr') return `(${first} ${sign} ...)`;
  return `(${first} ${sign} ... ${sign} ${second})`;
}

/** `rq requirements E`, `rQ parameters _ requirements E`. */
function requirement(input: Input, hasParameters: boolean): string {
  const parameters: Part[] = [];
  if (hasParameters) while (!input.take('_')) parameters.push(input.rules.type(input));
  const texts: string[] = [];
  while (!input.take('E')) {
    if (input.take('X')) {
      let text = expression(input);
      if (input.take('N')) text = `{${text}} noexcept`;
      if (input.take('R')) text = `{${text}} -> ${textOf(input.rules.nameOfType(input))}`;
      texts.push(text);
    } else if (input.take('T')) texts.push(`typename ${textOf(input.rules.type(input))}`);
    else if (input.take('Q')) texts.push(`requires ${expression(input)}`);
    else return input.fail();
  }
  return `requires { ${texts.join('; ')} }`;
}

/** Names that only a template's arguments decide: `sr type name`, `srN … E name`, `on operator`, `dn destructor`, plain ones. */
function unresolved(input: Input): string {
  if (input.take('srN')) {
    let text = textOf(unresolvedType(input));
    while (!input.take('E')) text += `::${simple(input)}`;
    return `${text}::${baseName(input)}`;
  }
  if (input.take('sr')) {
    if (/\d/.test(input.peek())) {
      let text = '';
      do text += `${simple(input)}::`;
      while (!input.take('E'));
      return text + baseName(input);
    }
    return `${textOf(unresolvedType(input))}::${baseName(input)}`;
  }
  return baseName(input);
}

function unresolvedType(input: Input): Part {
  // The standard namespace stands for itself here.
  if (input.startsWith('St') && !/\d/.test(input.peek(2))) {
    input.at += 2;
    return { left: 'std', right: '' };
  }
  return input.rules.type(input);
}

function simple(input: Input): string {
  const name = input.identifier();
  return input.peek() === 'I' ? name + input.rules.templateArguments(input) : name;
}

function baseName(input: Input): string {
  if (input.take('on')) {
    const code = input.text.slice(input.at, input.at + 2);
    if (input.take('cv')) return `operator ${textOf(input.rules.type(input))}`;
    const sign = OPERATORS[code] ?? input.fail();
    input.at += 2;
    return `operator${sign}${input.peek() === 'I' ? input.rules.templateArguments(input) : ''}`;
  }
  if (input.take('dn')) return `~${/\d/.test(input.peek()) ? simple(input) : textOf(input.rules.type(input))}`;
  return simple(input);
}

/** `L type value E`, `L_Z encoding E`. */
export function literal(input: Input): string {
  input.must('L');
  if (input.take('_Z') || input.take('Z')) {
    const of = input.rules.encoding(input);
    input.must('E');
    return of;
  }
  if (input.take('b0E')) return 'false';
  if (input.take('b1E')) return 'true';
  if (input.startsWith('A')) {
    const of = textOf(input.rules.type(input));
    input.must('E');
    return `"<${of}>"`;
  }
  if (input.take('Dn')) {
    input.take('0');
    input.must('E');
    return 'nullptr';
  }
  if (input.peek() === 'U' || input.peek() === 'T') {
    const of = textOf(input.rules.type(input));
    input.take('E');
    return of;
  }
  const code = input.peek();
  const of = textOf(input.rules.type(input));
  const value = /^(n?)(\w*?)E/.exec(input.text.slice(input.at, input.at + 64));
  if (!value) return input.fail();
  input.at += value[0].length;
  const number = `${value[1] === '' ? '' : '-'}${value[2]}`;
  const suffix = ({ i: '', j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' } as Record<string, string>)[code];
  return suffix === undefined ? `(${of})${number}` : number + suffix;
}
