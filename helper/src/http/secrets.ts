// What in a text names a person or opens a door: e-mail addresses, card numbers, tokens. Asked of each piece of a path, where
// such pieces become part of the route's shape, and by the redactor.

const EMAIL = /^[^@\s/]+@[^@\s/]+\.[^@\s/.]+$/;
const DIGITS_OF_CARD = /^(?:\d[ -]?){12,18}\d$/;
/** JSON Web Token: three parts in base64url, of which the first begins with {" */
const JWT = /^eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*$/;
/** Prefixes by which issuers mark their keys: GitHub, GitLab, Slack, Stripe, AWS, npm, Google. */
const MARKED_TOKEN =
  /^(?:gh[opsur]_|github_pat_|glpat-|xox[abprs]-|[sprk]k_(?:live|test)_|AKIA|ASIA|npm_|AIza|ya29\.)[\w.-]{8,}$/;

/** Luhn's check digit (ISO/IEC 7812-1, annex B). */
export function isCardNumber(text: string): boolean {
  if (!DIGITS_OF_CARD.test(text)) return false;
  let sum = 0;
  const digits = text.replace(/[ -]/g, '');
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

export function isEmail(text: string): boolean {
  return EMAIL.test(text);
}

/** Long, and of letters and digits mixed as nobody writes words. */
export function isToken(text: string): boolean {
  if (JWT.test(text) || MARKED_TOKEN.test(text)) return true;
  if (!/^[\w.~+/=-]{20,}$/.test(text)) return false;
  const longest = Math.max(...text.split(/[-_.]/).map((part) => part.length));
  if (longest < 16) return false;
  const digits = text.replace(/\D/g, '').length;
  const changes = text.match(/[a-z](?=[A-Z0-9])|[0-9](?=[A-Za-z])|[A-Z]{2}(?=[a-z0-9])/g)?.length ?? 0;
  return digits >= 2 && changes >= 4;
}

/** Percent-encoding undone where it is valid, else as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
