// Names of mangled names: nested ones, those of functions' locals, lambdas, operators, template arguments and substitutions.

import { type Input, listOf, type Name, type Part, parametersText, plain, textOf } from './input';
import { OPERATORS } from './operators';

const STANDARD: Record<string, string> = {
  Sa: 'std::allocator',
  Sb: 'std::basic_string',
  Ss: 'std::string',
  Si: 'std::istream',
  So: 'std::ostream',
  Sd: 'std::iostream',
};

const CHARACTERS = '<char, std::char_traits<char>';
const STANDARD_WHOLE: Record<string, string> = {
  Ss: `std::basic_string${CHARACTERS}, std::allocator<char>>`,
  Si: `std::basic_istream${CHARACTERS}>`,
  So: `std::basic_ostream${CHARACTERS}>`,
  Sd: `std::basic_iostream${CHARACTERS}>`,
};

/** `isEntity`: of what is mangled itself, to whose template arguments T_ refers from here on; else of a type that is met on the way. */
export function name(input: Input, isEntity: boolean): Name {
  if (input.peek() === 'N') return nested(input, isEntity);
  if (input.peek() === 'Z') return local(input, isEntity);
  const found: Name = { text: '', isTemplate: false, hasNoReturn: false, qualifiers: '', isExplicitObject: false };
  if (input.peek() === 'S' && input.peek(1) !== 't') {
    found.text = textOf(substitution(input));
    if (input.peek() !== 'I') return input.fail();
  } else {
    const prefix = input.take('St') ? 'std::' : '';
    const one = unqualified(input, '');
    found.text = prefix + one.text;
    found.hasNoReturn = one.hasNoReturn;
    if (input.peek() === 'I') input.remember(plain(found.text));
  }
  if (input.peek() === 'I') {
    found.text += templateArguments(input, isEntity);
    found.isTemplate = true;
  }
  return found;
}

/** A name that is a type: what it stands for, as text. */
export function nameOfType(input: Input): Part {
  return plain(name(input, false).text);
}

function nested(input: Input, isEntity: boolean): Name {
  input.must('N');
  const found: Name = { text: '', isTemplate: false, hasNoReturn: false, qualifiers: '', isExplicitObject: false };
  if (input.take('H')) found.isExplicitObject = true;
  else {
    const restrict = input.take('r') ? ' restrict' : '';
    const isVolatile = input.take('V') ? ' volatile' : '';
    found.qualifiers = `${input.take('K') ? ' const' : ''}${isVolatile}${restrict}`;
    if (input.take('R')) found.qualifiers += ' &';
    else if (input.take('O')) found.qualifiers += ' &&';
  }
  let last = '';
  for (let isFirst = true; !input.take('E'); isFirst = false) {
    const c = input.peek();
    // The last part of what is remembered is the name itself, which is no substitution: see below.
    if (c === 'I') {
      if (isFirst) return input.fail();
      found.text += templateArguments(input, isEntity);
      found.isTemplate = true;
    } else if (c === 'T') {
      found.text = textOf(input.rules.templateParameter(input));
      found.isTemplate = false;
    } else if (c === 'D' && 'tT'.includes(input.peek(1))) {
      found.text = textOf(input.rules.type(input));
      continue;
    } else if (c === 'S' && input.peek(1) !== 't') {
      const whole = STANDARD_WHOLE[input.text.slice(input.at, input.at + 2)];
      found.text = textOf(substitution(input));
      // A constructor or destructor is called by the template's own name.
      if (whole && /^[CD]/.test(input.peek())) found.text = whole;
      last = lastIdentifier(found.text);
      continue;
    } else if (input.take('M')) {
      continue;
    } else {
      if (input.take('St')) found.text = 'std';
      const one = unqualified(input, last);
      found.text += (found.text === '' ? '' : '::') + one.text;
      found.hasNoReturn = one.hasNoReturn;
      found.isTemplate = false;
      last = one.text;
    }
    // Not the whole name: who takes it as a type remembers that.
    if (input.peek() !== 'E') input.remember(plain(found.text));
  }
  return found;
}

/** Without template arguments and scopes: what a constructor is called. */
function lastIdentifier(text: string): string {
  let depth = 0;
  let from = 0;
  let end = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '<' && depth++ === 0) end = i;
    else if (c === '>') depth--;
    else if (depth === 0 && text.startsWith('::', i)) {
      from = i + 2;
      end = text.length;
    }
  }
  return text.slice(from, end).replace(/\[abi:\w+\]/g, '');
}

function unqualified(input: Input, within: string): { text: string; hasNoReturn: boolean } {
  input.take('L');
  let text: string;
  let hasNoReturn = false;
  const c = input.peek();
  const two = c + input.peek(1);
  if (/\d/.test(c)) text = input.identifier();
  else if (input.take('Ut')) text = unnamed(input);
  else if (input.take('Ul')) text = lambda(input);
  else if (input.take('DC')) {
    const names: string[] = [];
    while (!input.take('E')) names.push(input.identifier());
    text = `[${names.join(', ')}]`;
  } else if (c === 'C' && /[1-5I]/.test(input.peek(1))) {
    input.at += 2;
    // Inherited from the type that follows.
    if (input.text[input.at - 1] === 'I') {
      input.at++;
      input.rules.type(input);
    }
    text = within === '' ? input.fail() : lastIdentifier(within);
    hasNoReturn = true;
  } else if (c === 'D' && /[0-5]/.test(input.peek(1))) {
    input.at += 2;
    text = `~${within === '' ? input.fail() : lastIdentifier(within)}`;
    hasNoReturn = true;
  } else if (input.take('cv')) {
    text = `operator ${textOf(input.rules.type(input))}`;
    hasNoReturn = true;
  } else if (input.take('li')) text = `operator"" ${input.identifier()}`;
  else if (OPERATORS[two]) {
    input.at += 2;
    text = `operator${/^[a-z]/.test(OPERATORS[two]) ? ' ' : ''}${OPERATORS[two]}`;
  } else return input.fail();
  while (input.take('B')) text += `[abi:${input.identifier()}]`;
  return { text, hasNoReturn };
}

/** `Ut [number] _` */
function unnamed(input: Input): string {
  const number = input.peek() === '_' ? 1 : input.number() + 2;
  input.must('_');
  return `{unnamed type#${number}}`;
}

/** `Ul [template-params] parameters E [number] _`: as binutils and the library print it. */
function lambda(input: Input): string {
  const outer = input.parameters;
  const own: Part[] = [];
  const shown = templateParameterDeclarations(input, own);
  if (own.length > 0) input.parameters = [...outer, own];
  if (input.take('Q')) input.rules.expression(input);
  const parameters: Part[] = [];
  while (input.peek() !== 'E' && input.peek() !== 'Q') parameters.push(input.rules.type(input));
  if (input.take('Q')) input.rules.expression(input);
  input.must('E');
  input.parameters = outer;
  const number = input.peek() === '_' ? 1 : input.number() + 2;
  input.must('_');
  return `{lambda${shown === '' ? '' : `<${shown}>`}(${parametersText(parameters)})#${number}}`;
}

/** `Ty`, `Tn type`, `Tt … E`, `Tp …`, `Tk concept`: what a generic lambda, or an argument of a constrained template, declares. */
function templateParameterDeclarations(input: Input, own: Part[]): string {
  const shown: string[] = [];
  for (;;) {
    const declared = templateParameterDeclaration(input, own.length);
    if (!declared) return shown.join(', ');
    own.push(plain(declared.name));
    shown.push(declared.text);
  }
}

function templateParameterDeclaration(input: Input, index: number): { name: string; text: string } | null {
  const number = index === 0 ? '' : String(index - 1);
  if (input.take('Ty')) return { name: `$T${number}`, text: `typename $T${number}` };
  if (input.take('Tk')) {
    const concept = nameOfType(input);
    return { name: `$T${number}`, text: `${textOf(concept)} $T${number}` };
  }
  if (input.take('Tn')) return { name: `$N${number}`, text: `${textOf(input.rules.type(input))} $N${number}` };
  if (input.take('Tt')) {
    const inner = templateParameterDeclarations(input, []);
    if (input.take('Q')) input.rules.expression(input);
    input.must('E');
    return { name: `$TT${number}`, text: `template<${inner}> typename $TT${number}` };
  }
  if (input.take('Tp')) {
    const of = templateParameterDeclaration(input, index);
    return of ? { name: of.name, text: `${of.text}...` } : input.fail();
  }
  return null;
}

/** `I arguments [Q constraint] E`. `isOfName`: T_ means these from here on. */
export function templateArguments(input: Input, isOfName = false): string {
  input.must('I');
  const outer = input.parameters;
  const own: Part[] = [];
  if (isOfName) input.parameters = [own];
  while (input.peek() !== 'E' && input.peek() !== 'Q') own.push(templateArgument(input));
  if (input.take('Q')) input.rules.expression(input);
  input.must('E');
  if (!isOfName) input.parameters = outer;
  const text = listOf(own);
  return `<${text}${text.endsWith('>') ? ' ' : ''}>`;
}

export function templateArgument(input: Input): Part {
  return input.nested(() => {
    if (input.peek() === 'T' && 'yntpk'.includes(input.peek(1)) && input.peek(1) !== '') {
      templateParameterDeclaration(input, 0);
      return templateArgument(input);
    }
    if (input.take('X')) {
      const text = input.rules.expression(input);
      input.must('E');
      return plain(text);
    }
    if (input.take('J')) {
      const pack: Part[] = [];
      while (!input.take('E')) pack.push(templateArgument(input));
      return { ...plain(''), pack };
    }
    if (input.startsWith('LZ')) {
      input.at += 2;
      const of = input.rules.encoding(input);
      input.must('E');
      return plain(of);
    }
    if (input.peek() === 'L') return plain(input.rules.literal(input));
    return input.rules.type(input);
  });
}

/** `Z function E entity`: something inside of a function. */
function local(input: Input, isEntity: boolean): Name {
  input.must('Z');
  const outer = input.parameters;
  const of = input.rules.encoding(input, true);
  input.must('E');
  const none: Name = { text: '', isTemplate: false, hasNoReturn: false, qualifiers: '', isExplicitObject: false };
  if (input.take('s')) {
    discriminator(input);
    input.parameters = outer;
    return { ...none, text: `${of}::'string literal'` };
  }
  if (input.take('d')) {
    if (input.peek() !== '_') input.number();
    input.must('_');
  }
  const inner = name(input, isEntity);
  discriminator(input);
  if (!isEntity) input.parameters = outer;
  return { ...inner, text: `${of}::${inner.text}` };
}

function discriminator(input: Input): void {
  if (!input.take('_')) return;
  if (input.take('_')) {
    input.number();
    input.must('_');
  } else input.at++;
}

export function substitution(input: Input): Part {
  const standard = STANDARD[input.text.slice(input.at, input.at + 2)];
  if (standard !== undefined) {
    input.at += 2;
    let text = standard;
    while (input.take('B')) text += `[abi:${input.identifier()}]`;
    return text === standard ? plain(text) : input.remember(plain(text));
  }
  input.must('S');
  return input.substitutions[input.sequence(36)] ?? input.fail();
}
