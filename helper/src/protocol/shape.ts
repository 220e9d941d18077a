// Checks the shape of what somebody else sent, before any code relies on it: types only, so that a wrong client gets a sentence
// and not a crash. For the parameters of requests and for the options of tracers.

import { tracerError } from './errors';

export type Check = (value: unknown) => boolean;

export const isBoolean: Check = (value) => typeof value === 'boolean';
export const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
export const isInteger: Check = (value) => Number.isSafeInteger(value);
export const isText: Check = (value) => typeof value === 'string' && !value.includes('\0');
export const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Of `most` members. */
export const isListOf =
  (check: Check, most = Number.POSITIVE_INFINITY): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

export type Shape<T> = { [K in keyof Required<T>]: Check };

/** Throws USAGE naming the first member of `value` that has not the right shape. Members without a check pass. */
export function checkShape<T>(what: string, value: unknown, shape: Shape<T>): T {
  if (typeof value !== 'object' || value === null) throw tracerError('USAGE', `${what} needs parameters.`);
  for (const [name, check] of Object.entries<Check>(shape))
    if (!check((value as Record<string, unknown>)[name]))
      throw tracerError('USAGE', `${what}: "${name}" is missing or has the wrong type.`);
  return value as T;
}
