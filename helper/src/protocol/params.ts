// Checks the shape of what a client sends before any code relies on it: types only. Whether a pid exists or a frequency makes sense
// is judged where it is used. Part of the protocol, so that every helper, the tests' stand-in too, refuses the same.

import { tracerError } from './errors';
import type { ClientNotes, Requests } from './messages';
import { MAX_TARGETS, type RecordOptions, type RecordTarget } from './recordOptions';
import {
  type Check,
  checkShape,
  isBoolean,
  isInteger,
  isListOf,
  isNumber,
  isObject,
  isText,
  optional,
  orNull,
} from './shape';

/** Processes to be left out of everything. */
const MAX_EXCEPT = 1_024;
/** IFNAMSIZ of the kernel, without the byte that ends it. */
const INTERFACE_MOST_CHARS = 15;

const isPath: Check = (value) => isText(value) && (value as string).startsWith('/');
const isInterface: Check = (value) =>
  isText(value) && (value as string).length <= INTERFACE_MOST_CHARS && /^[^\s/]+$/.test(value as string);

/** By the member that only this kind has. */
const TARGETS: { [member: string]: (value: object) => RecordTarget } = {
  pids: (value) => {
    const shape = {
      pids: isListOf(isNumber, MAX_TARGETS),
      children: isBoolean,
      startAtExec: isBoolean,
    };
    const { pids, children, startAtExec } = checkShape<Extract<RecordTarget, { pids: unknown }>>(
      'target',
      value,
      shape,
    );
    if (pids.length === 0) throw tracerError('USAGE', 'target: "pids" is empty.');
    return { pids, children, startAtExec };
  },
  interface: (value) =>
    checkShape<Extract<RecordTarget, { interface: unknown }>>('target', value, { interface: isInterface }),
  netns: (value) => checkShape<Extract<RecordTarget, { netns: unknown }>>('target', value, { netns: isPath }),
  everything: (value) =>
    checkShape<Extract<RecordTarget, { everything: true }>>('target', value, {
      everything: (one) => one === true,
      except: isListOf(isInteger, MAX_EXCEPT),
    }),
};

function checkTarget(value: object): RecordTarget {
  const kinds = Object.keys(TARGETS).filter((member) => Object.hasOwn(value, member));
  if (kinds.length !== 1)
    throw tracerError('USAGE', `record/start: "target" needs one of ${Object.keys(TARGETS).join(', ')}.`);
  return TARGETS[kinds[0]](value);
}

export const checkHandshake = (value: unknown) =>
  checkShape<Requests['handshake']['params']>('handshake', value, {
    protocolVersion: isInteger,
    clientVersion: isText,
    token: isText,
  });

export function checkRecordOptions(value: unknown): RecordOptions {
  const options = checkShape<RecordOptions>('record/start', value, {
    target: isObject,
    tracers: isObject,
    durationMs: orNull(isNumber),
    output: isPath,
    title: isText,
    anyUser: isBoolean,
    without: isListOf(isText),
    debugFileDirectories: optional(isListOf(isPath)),
    debuginfodUrls: optional(isListOf(isText)),
    requestedAtMs: optional(isNumber),
  });
  return { ...options, target: checkTarget(options.target) };
}

export const checkRecordingId = (method: string, value: unknown) =>
  checkShape<{ recordingId: number }>(method, value, { recordingId: isInteger }).recordingId;

export const checkWatch = (value: unknown) =>
  checkShape<ClientNotes['record/watch']>('record/watch', value, { recordingId: isInteger, visible: isBoolean });
