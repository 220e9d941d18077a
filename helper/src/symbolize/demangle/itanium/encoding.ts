// A whole mangled entity: a function with its parameters, a variable, or what the compiler makes for a class.

import { type Input, type Part, parametersText, textOf } from './input';

const SPECIAL: Record<string, string> = {
  TV: 'vtable for ',
  TT: 'VTT for ',
  TI: 'typeinfo for ',
  TS: 'typeinfo name for ',
  TH: 'thread-local initialization routine for ',
  TW: 'thread-local wrapper routine for ',
  GV: 'guard variable for ',
  GR: 'reference temporary for ',
};

/** `isLocal`: of a function that something lies in, which may refer to its template arguments. */
export function encoding(input: Input, isLocal = false): string {
  return input.nested(() => read(input, isLocal));
}

function read(input: Input, isLocal: boolean): string {
  const special = specialName(input);
  if (special !== null) return special;
  const outer = input.parameters;
  const of = input.rules.name(input, true);
  if (isEnd(input)) {
    if (!isLocal) input.parameters = outer;
    return of.text + of.qualifiers;
  }
  const result: Part | null = of.isTemplate && !of.hasNoReturn ? input.rules.type(input) : null;
  const parameters: Part[] = [];
  while (!isEnd(input) && input.peek() !== 'Q') parameters.push(input.rules.type(input));
  if (of.isExplicitObject && parameters.length > 0)
    parameters[0] = { ...parameters[0], left: `this ${parameters[0].left}` };
  // Which arguments it takes names no other function, for people.
  if (input.take('Q')) input.rules.expression(input);
  const text = `${of.text}(${parametersText(parameters)})${of.qualifiers}`;
  if (!isLocal) input.parameters = outer;
  if (!result) return text;
  return `${result.left}${result.right === '' && !result.isCompound ? ' ' : ''}${text}${result.right}`;
}

const isEnd = (input: Input): boolean => ['', 'E', '.', '@'].includes(input.peek());

function specialName(input: Input): string | null {
  const word = SPECIAL[input.text.slice(input.at, input.at + 2)];
  if (word !== undefined) {
    input.at += 2;
    return (
      word +
      (/^[TG][TVIS]$/.test(input.text.slice(input.at - 2, input.at)) && input.text[input.at - 2] === 'T'
        ? textOf(input.rules.type(input))
        : input.rules.name(input, true).text)
    );
  }
  if (input.take('Th')) return `non-virtual thunk to ${offset(input)}${encoding(input)}`;
  if (input.take('Tv')) return `virtual thunk to ${offset(input)}${offset(input)}${encoding(input)}`;
  if (input.take('Tc')) return `covariant return thunk to ${callOffset(input)}${callOffset(input)}${encoding(input)}`;
  return null;
}

function callOffset(input: Input): string {
  if (input.take('h')) return offset(input);
  input.must('v');
  return offset(input) + offset(input);
}

/** Read past: it says nothing to people. */
function offset(input: Input): string {
  input.take('n');
  input.number();
  input.must('_');
  return '';
}
