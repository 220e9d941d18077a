// `ebpf-tracer mcp`: a server of the Model Context Protocol on standard input and output, for assistants.

import { join, resolve } from 'node:path';
import type { McpOptions } from '../assistant/main';
import { redactionsOf } from '../figures/redact';
import { EXIT } from '../protocol';
import type { ParsedArguments } from './arguments';

export async function mcp({ options }: ParsedArguments): Promise<number> {
  const folders = (options.get('folder') ?? ['.']).map((folder) => resolve(folder));
  // A bundle of its own, beside this one: the SDK is larger than all the rest of the command line.
  const bundle = join(__dirname, 'mcp.js');
  const { serveMcp } = require(bundle) as { serveMcp: (options: McpOptions) => Promise<void> };
  await serveMcp({
    folders,
    redactions: redactionsOf(options.get('redact')?.[0] ?? 'arguments'),
    allowRecord: options.has('allow-record'),
    cliScript: __filename,
  });
  return EXIT.done;
}
