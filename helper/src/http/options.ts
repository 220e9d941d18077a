// The options of an HTTP trace: as the command line has them, and the check of what a client sends.

import { resolve } from 'node:path';
import type { CommandOption, GivenOptions } from '../engine/tracer';
import { checkShape, type HttpOptions, isBoolean, isListOf, isText, optional, tracerError } from '../protocol';
import { checkFilter, FILTER_HELP, parseFilter } from './filter';

const PLAINTEXT: readonly NonNullable<HttpOptions['plaintext']>[] = ['auto', 'all', 'none'];
const SOURCES_MOST = 16;

export const HTTP_COMMAND_LINE: Readonly<Record<string, CommandOption>> = {
  filter: { value: 'FILTER', repeatable: true, help: FILTER_HELP },
  source: {
    value: 'FOLDER',
    repeatable: true,
    help: "Look for the handlers of routes in the sources below this folder (default: the process's working directory).",
  },
  plaintext: {
    value: 'WHICH',
    help: 'Of TLS connections, read the plaintext of requests: auto (the default; at present the same as all), all, or none, which costs nothing and counts such connections only.',
  },
  'truncate-addresses': { help: 'Leave out the last part of the addresses of HTTP clients and servers.' },
};

/** Throws USAGE. */
export function httpOptions(given: GivenOptions): HttpOptions {
  const plaintext = given.get('plaintext')?.[0];
  if (plaintext !== undefined && !(PLAINTEXT as readonly string[]).includes(plaintext))
    throw tracerError('USAGE', `--plaintext ${plaintext}: write ${PLAINTEXT.join(', ')}.`);
  const sources = given.get('source')?.map((folder) => resolve(folder));
  if (sources && sources.length > SOURCES_MOST)
    throw tracerError('USAGE', `--source may be given ${SOURCES_MOST} times at the most.`);
  const filter = parseFilter(given.get('filter') ?? []);
  return {
    truncateAddresses: given.has('truncate-addresses'),
    ...(filter ? { filter } : {}),
    ...(plaintext ? { plaintext: plaintext as HttpOptions['plaintext'] } : {}),
    ...(sources ? { sources } : {}),
  };
}

/** Throws USAGE. */
export function checkHttpOptions(value: unknown): HttpOptions {
  const options = checkShape<HttpOptions>('http', value, {
    truncateAddresses: optional(isBoolean),
    filter: optional((filter) => typeof filter === 'object' && filter !== null),
    plaintext: optional((which) => (PLAINTEXT as readonly unknown[]).includes(which)),
    sources: optional(isListOf((folder) => isText(folder) && (folder as string).startsWith('/'), SOURCES_MOST)),
    allRowsLive: optional(isBoolean),
  });
  return options.filter ? { ...options, filter: checkFilter(options.filter) } : options;
}
