// Checks the shape of what a client sends before any code relies on it: types only, so that a wrong client gets a
// sentence and not a crash. Whether a pid exists or a frequency makes sense is judged where it is used. Called by
// methods.ts.

import { isAbsolute } from 'node:path';
import { type ClientNotes, type RecordOptions, type Requests, tracerError } from '../protocol';

type Check = (value: unknown) => boolean;
const isBoolean: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isInteger: Check = (value) => Number.isSafeInteger(value);
const isText: Check = (value) => typeof value === 'string' && !value.includes('\0');
const isPath: Check = (value) => isText(value) && isAbsolute(value as string);
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText);
const isPathList: Check = (value) => Array.isArray(value) && value.every(isPath);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

type Shape<T> = { [K in keyof Required<T>]: Check };

/** Throws USAGE naming the first member of `value` that has not the right shape. */
function checked<T>(what: string, value: unknown, shape: Shape<T>): T {
  if (typeof value !== 'object' || value === null) throw tracerError('USAGE', `${what} needs parameters.`);
  for (const [name, check] of Object.entries<Check>(shape)) {
    if (!check((value as Record<string, unknown>)[name]))
      throw tracerError('USAGE', `${what}: "${name}" is missing or has the wrong type.`);
  }
  return value as T;
}

export const checkHandshake = (value: unknown) =>
  checked<Requests['handshake']['params']>('handshake', value, {
    protocolVersion: isInteger,
    clientVersion: isText,
    token: isText,
  });

export const checkRecordOptions = (value: unknown) =>
  checked<RecordOptions>('record/start', value, {
    pid: isNumber,
    durationMs: orNull(isNumber),
    frequencyHz: isNumber,
    children: isBoolean,
    kernel: isBoolean,
    maxFrames: optional(isNumber),
    output: isPath,
    title: isText,
    startAtExec: isBoolean,
    anyUser: isBoolean,
    without: isTextList,
    debugFileDirectories: optional(isPathList),
    debuginfodUrls: optional(isTextList),
    requestedAtMs: optional(isNumber),
  });

export const checkRecordingId = (method: string, value: unknown) =>
  checked<{ recordingId: number }>(method, value, { recordingId: isInteger }).recordingId;

export const checkWatch = (value: unknown) =>
  checked<ClientNotes['record/watch']>('record/watch', value, { recordingId: isInteger, visible: isBoolean });
