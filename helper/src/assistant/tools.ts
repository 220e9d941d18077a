// THE table of what an assistant may ask: each tool with its arguments as JSON Schema, and what it answers. All but recording only read.
// Answers are Markdown with names and paths of the recorded program, redacted as the user has set.

import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { compareRecordings } from '../compare/compare';
import { compareText } from '../compare/compareText';
import { NORMALIZATIONS, type Normalization } from '../compare/side';
import { extraOf, metricIndex } from '../figures/figures';
import { hotCodeText } from '../figures/hotCode';
import { type Redacted, type Redaction, redacted } from '../figures/redact';
import { reportOf } from '../figures/report';
import { reportText } from '../figures/reportText';
import { readAnyRecording } from '../import';
import { tracerError, visibleText } from '../protocol';

export interface AssistantSettings {
  /** Where recordings are looked for, and below which sources may be shown. */
  folders: readonly string[];
  redactions: readonly Redaction[];
}

export interface AssistantTool {
  name: string;
  title: string;
  description: string;
  inputSchema: { type: 'object'; properties: Record<string, object>; required: string[]; additionalProperties: false };
  run(args: Record<string, unknown>, settings: AssistantSettings): Promise<string>;
}

const RECORDING = {
  type: 'string',
  description: 'Path of a recording (*.speedscope.json), or of another profiler’s file.',
};
const RECORDINGS = { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 20 };
const METRIC = {
  type: 'string',
  description: 'Whose figures: cpu, or another metric of the recording. Default: its first.',
};
const MAX_LISTED = 50;

export const TOOLS: readonly AssistantTool[] = [
  {
    name: 'list_recordings',
    title: 'List recordings',
    description: 'Recordings in the folders that are worked in, newest first, with their paths.',
    inputSchema: schema({}, []),
    run: async (_, { folders }) => {
      const found = (await Promise.all(folders.map(recordingsIn))).flat().sort((a, b) => b.mtimeMs - a.mtimeMs);
      if (found.length === 0) return 'There are no recordings in these folders.';
      return found
        .slice(0, MAX_LISTED)
        .map(({ path, mtimeMs }) => `- ${visibleText(path)} (${new Date(mtimeMs).toISOString()})`)
        .join('\n');
    },
  },
  {
    name: 'report_recording',
    title: 'Report of a recording',
    description:
      'What a recording of a program found, in at most 40 lines: the cause first (the own function that answers for most), functions and lines with their 95 % sampling errors, and what was not seen.',
    inputSchema: schema({ recording: RECORDING, metric: METRIC }, ['recording']),
    run: async (args, settings) => {
      const { file } = await opened(textOf(args, 'recording'), settings);
      return reportText(reportOf(file, metricIndex(file, optionalText(args, 'metric'))), homeOf(settings)).join('\n');
    },
  },
  {
    name: 'hot_code',
    title: 'Hot functions and lines with their source',
    description:
      'The hottest functions of a recording, each with its hottest line and the source around it where that may be shown.',
    inputSchema: schema(
      {
        recording: RECORDING,
        metric: METRIC,
        functions: { type: 'integer', minimum: 1, maximum: 20, description: 'How many; default 5.' },
      },
      ['recording'],
    ),
    run: async (args, settings) => {
      const { file, originalOf } = await opened(textOf(args, 'recording'), settings);
      const functions = typeof args.functions === 'number' ? Math.max(1, Math.round(args.functions)) : 5;
      const metric = metricIndex(file, optionalText(args, 'metric'));
      return (await hotCodeText(file, { metric, functions, folders: settings.folders, originalOf })).join('\n');
    },
  },
  {
    name: 'compare_recordings',
    title: 'Compare two programs or builds',
    description:
      'What changed from recordings A to recordings B: for each function and line the change with its 95 % interval; what may be chance is called noise. Several recordings of one program on a side are put together.',
    inputSchema: schema(
      {
        a: RECORDINGS,
        b: RECORDINGS,
        metric: METRIC,
        by: { type: 'string', enum: [...NORMALIZATIONS], description: 'Normalize by; default samples.' },
      },
      ['a', 'b'],
    ),
    run: async (args, settings) => {
      const by = optionalText(args, 'by');
      if (by !== undefined && !NORMALIZATIONS.includes(by as Normalization))
        throw tracerError('NORMALIZATION_INVALID', by, 'there is no such way.');
      const read = async (name: string) => {
        const files = [];
        for (const path of textsOf(args, name)) files.push((await opened(path, settings)).file);
        return files;
      };
      const [a, b] = [await read('a'), await read('b')];
      const metric = optionalText(args, 'metric');
      const comparison = compareRecordings(a, b, { metric, by: by as Normalization | undefined });
      return compareText(comparison, homeOf(settings)).join('\n');
    },
  },
];

/** Places are shown relative to it. */
const homeOf = ({ folders }: AssistantSettings) => folders[0] ?? '/';

function schema(properties: Record<string, object>, required: string[]): AssistantTool['inputSchema'] {
  return { type: 'object', properties, required, additionalProperties: false };
}

async function opened(path: string, { folders, redactions }: AssistantSettings): Promise<Redacted> {
  const file = await readAnyRecording(resolve(homeOf({ folders, redactions }), path));
  extraOf(file);
  return redacted(file, redactions, folders);
}

async function recordingsIn(folder: string): Promise<{ path: string; mtimeMs: number }[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const paths = names.filter((name) => name.endsWith('.speedscope.json')).map((name) => join(folder, name));
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => [{ path, mtimeMs }],
        () => [],
      ),
    ),
  );
  return found.flat();
}

export function textOf(args: Record<string, unknown>, name: string): string {
  const value = args[name];
  if (typeof value !== 'string' || value === '') throw tracerError('USAGE', `The argument "${name}" is missing.`);
  return value;
}

export function optionalText(args: Record<string, unknown>, name: string): string | undefined {
  return args[name] === undefined ? undefined : textOf(args, name);
}

export function textsOf(args: Record<string, unknown>, name: string): string[] {
  const value = args[name];
  const texts = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((one) => typeof one === 'string' && one !== ''))
    throw tracerError('USAGE', `The argument "${name}" must be a list of texts.`);
  return texts;
}
