// Types of mangled names.

import { type Input, listOf, type Part, parametersText, plain, textOf } from './input';

const BUILTIN: Record<string, string> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
};
const BUILTIN_D: Record<string, string> = {
  Dd: 'decimal64',
  De: 'decimal128',
  Df: 'decimal32',
  Dh: 'half',
  Di: 'char32_t',
  Ds: 'char16_t',
  Du: 'char8_t',
  Da: 'auto',
  Dc: 'decltype(auto)',
  Dn: 'std::nullptr_t',
};

export function type(input: Input): Part {
  return input.nested(() => readType(input));
}

function readType(input: Input): Part {
  const c = input.peek();
  const two = c + input.peek(1);
  if (BUILTIN[c] !== undefined) {
    input.at++;
    return plain(BUILTIN[c]);
  }
  if (BUILTIN_D[two] !== undefined) {
    input.at += 2;
    return plain(BUILTIN_D[two]);
  }
  switch (c) {
    case 'r':
    case 'V':
    case 'K':
      return qualified(input);
    case 'P':
      return pointer(input, '*');
    case 'R':
      return pointer(input, '&');
    case 'O':
      return pointer(input, '&&');
    case 'C':
    case 'G':
      input.at++;
      return input.remember(plain(`${textOf(type(input))} ${c === 'C' ? 'complex' : 'imaginary'}`));
    case 'F':
      return input.remember(functionType(input));
    case 'A':
      return input.remember(array(input));
    case 'M':
      return memberPointer(input);
    case 'u':
      input.at++;
      return input.remember(vendorType(input));
    case 'U':
      input.at++;
      return input.remember(vendorQualified(input));
    case 'D':
      return extended(input);
    case 'T':
      // Elaborated: `struct`, `union` and `enum` names.
      if ('sue'.includes(input.peek(1)) && input.peek(1) !== '') {
        input.at += 2;
        return input.remember(input.rules.nameOfType(input));
      }
      return templateParameterType(input);
    case 'S':
      if (input.peek(1) !== 't') {
        const known = input.rules.substitution(input);
        if (input.peek() !== 'I') return known;
        return input.remember(plain(textOf(known) + input.rules.templateArguments(input)));
      }
      return input.remember(input.rules.nameOfType(input));
    default:
      return input.remember(input.rules.nameOfType(input));
  }
}

function qualified(input: Input): Part {
  let words = '';
  const restrict = input.take('r');
  const isVolatile = input.take('V');
  if (input.take('K')) words += ' const';
  if (isVolatile) words += ' volatile';
  if (restrict) words += ' restrict';
  const qualify = (of: Part): Part =>
    of.isCompound ? { ...of, right: of.right + words } : { ...of, left: of.left + words };
  const of = type(input);
  return input.remember(of.pack ? { ...of, pack: of.pack.map(qualify) } : qualify(of));
}

function pointer(input: Input, sign: '*' | '&' | '&&'): Part {
  input.at += 1;
  const to = type(input);
  if (to.pack) return input.remember({ ...plain(''), pack: to.pack.map((one) => pointing(one, sign)) });
  return input.remember(pointing(to, sign));
}

/** References to references collapse: `T &&` of `int &` is `int &`. */
function pointing(to: Part, sign: string): Part {
  const reference = sign === '*' ? null : /(&&?)$/.exec(to.left)?.[1];
  if (reference) return sign === '&' && reference === '&&' ? { ...to, left: to.left.slice(0, -1) } : to;
  if (to.isCompound) return { left: `${to.left}(${sign}`, right: `)${to.right}` };
  return { left: to.left + sign, right: to.right };
}

function memberPointer(input: Input): Part {
  input.must('M');
  const of = textOf(type(input));
  const member = type(input);
  return input.remember(
    member.isCompound
      ? { left: `${member.left}(${of}::*`, right: `)${member.right}` }
      : { left: `${member.left} ${of}::*`, right: member.right },
  );
}

/** `F [Y] return-type parameter-types [R | O] E`, after exception specifications and qualifiers. */
export function functionType(input: Input): Part {
  input.must('F');
  input.take('Y');
  const result = type(input);
  const parameters: Part[] = [];
  let reference = '';
  while (!input.take('E')) {
    if (input.take('RE')) {
      reference = ' &';
      break;
    }
    if (input.take('OE')) {
      reference = ' &&';
      break;
    }
    parameters.push(type(input));
  }
  return {
    left: `${result.left}${result.right === '' ? ' ' : ''}`,
    right: `(${parametersText(parameters)})${reference}${result.right}`,
    isCompound: true,
  };
}

function array(input: Input): Part {
  input.must('A');
  let size = '';
  if (/\d/.test(input.peek())) size = String(input.number());
  else if (input.peek() !== '_') size = input.rules.expression(input);
  input.must('_');
  const of = type(input);
  return {
    left: of.left + (of.isCompound ? '' : ' '),
    right: ` [${size}]${of.right.replace(/^ /, '')}`,
    isCompound: true,
  };
}

function vendorType(input: Input): Part {
  const name = input.identifier();
  return plain(input.peek() === 'I' ? name + input.rules.templateArguments(input) : name);
}

function vendorQualified(input: Input): Part {
  const name = input.identifier();
  const args = input.peek() === 'I' ? input.rules.templateArguments(input) : '';
  return plain(`${textOf(type(input))} ${name}${args}`);
}

function extended(input: Input): Part {
  if (input.take('Dp')) {
    const of = type(input);
    return input.remember(of.pack ? of : plain(`${textOf(of)}...`));
  }
  if (input.startsWith('Dt') || input.startsWith('DT')) {
    input.at += 2;
    const of = input.rules.expression(input);
    input.must('E');
    return input.remember(plain(`decltype(${of})`));
  }
  if (input.take('Dv')) {
    const size =
      input.peek() === '_' ? '' : /\d/.test(input.peek()) ? String(input.number()) : input.rules.expression(input);
    input.must('_');
    return input.remember(plain(`${input.take('p') ? 'pixel' : textOf(type(input))} vector[${size}]`));
  }
  if (input.take('DF')) {
    const bits = input.number();
    if (input.take('b')) return plain(`std::bfloat${bits}_t`);
    if (input.take('x')) return plain(`_Float${bits}x`);
    input.must('_');
    return plain(`_Float${bits}`);
  }
  if (input.startsWith('DB') || input.startsWith('DU')) {
    const sign = input.peek(1) === 'U' ? 'unsigned ' : '';
    input.at += 2;
    const bits = /\d/.test(input.peek()) ? String(input.number()) : input.rules.expression(input);
    input.must('_');
    return input.remember(plain(`${sign}_BitInt(${bits})`));
  }
  // `auto` with a constraint.
  if (input.startsWith('Dk') || input.startsWith('DK')) {
    const word = input.peek(1) === 'K' ? 'decltype(auto)' : 'auto';
    input.at += 2;
    return input.remember(plain(`${textOf(input.rules.nameOfType(input))} ${word}`));
  }
  // Exception specifications of function types.
  if (input.take('Do') || input.take('Dx')) return input.remember(withFunctionEnd(type(input), ' noexcept'));
  if (input.take('DO')) {
    const condition = input.rules.expression(input);
    input.must('E');
    return input.remember(withFunctionEnd(type(input), ` noexcept(${condition})`));
  }
  if (input.take('Dw')) {
    const types: Part[] = [];
    while (!input.take('E')) types.push(type(input));
    return input.remember(withFunctionEnd(type(input), ` throw(${listOf(types)})`));
  }
  return input.fail();
}

const withFunctionEnd = (part: Part, end: string): Part => ({ ...part, right: part.right + end });

/** `T_`, `T0_`, `TL0__`: an argument of the template that is being read, or `auto` of a generic lambda. */
export function templateParameter(input: Input): Part {
  input.must('T');
  let level = 0;
  if (input.take('L')) level = input.number() + 1;
  if (level > 0) input.must('_');
  const index = input.sequence();
  // A lambda's own parameters are one level deeper only where it lies in a template.
  return input.parameters[level]?.[index] ?? input.parameters.at(-1)?.[index] ?? plain('auto');
}

function templateParameterType(input: Input): Part {
  const parameter = input.remember(templateParameter(input));
  if (input.peek() !== 'I') return parameter;
  return input.remember(plain(textOf(parameter) + input.rules.templateArguments(input)));
}
