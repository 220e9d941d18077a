// C++ names that the library does not know yet: what C++20 and C++23 added to the Itanium ABI (constraints, template lambdas,
// explicit object parameters). Printed as binutils print them, without constraints: those name no other function.

import { encoding } from './encoding';
import { expression, literal } from './expressions';
import { Input, NotMangled, type Rules } from './input';
import { name, nameOfType, substitution, templateArgument, templateArguments } from './names';
import { templateParameter, type } from './types';

const RULES: Rules = {
  encoding,
  name,
  nameOfType,
  substitution,
  templateArguments,
  templateArgument,
  type,
  templateParameter,
  expression,
  literal,
};

/** Null: it is no C++ name, or one that is not understood. */
export function demangleItanium(mangled: string): string | null {
  const start = /^_{1,4}Z/.exec(mangled);
  if (!start) return null;
  const input = new Input(mangled, RULES);
  input.at = start[0].length;
  try {
    const text = encoding(input);
    const rest = mangled.slice(input.at);
    if (rest === '') return text;
    return rest.startsWith('.') ? `${text} (${rest})` : null;
  } catch (error) {
    if (error instanceof NotMangled || error instanceof RangeError) return null;
    throw error;
  }
}
