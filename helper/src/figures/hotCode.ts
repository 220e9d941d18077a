// The hottest functions with their hottest lines and the source around them, as Markdown: what an assistant needs to say what to change.

import type { RecordingFile } from '../protocol';
import { bySelf, causeOf } from './cause';
import { excerpt } from './excerpts';
import { type Figures, type FunctionFigures, figuresOf } from './figures';
import { shareIn } from './report';
import { code, placeText, shareText, text, whatOf } from './reportText';

const FENCE = '```';
const MAX_FUNCTIONS = 20;

export interface HotCodeOptions {
  metric?: number;
  functions?: number;
  /** Sources are shown only from below these. */
  folders: readonly string[];
  originalOf?: (path: string) => string;
}

export async function hotCodeText(
  file: RecordingFile,
  { metric = 0, functions = 5, folders, originalOf = (path) => path }: HotCodeOptions,
): Promise<string[]> {
  const figures = figuresOf(file, metric);
  const share = shareIn(figures);
  const blocks = await Promise.all(
    hottest(figures, Math.min(functions, MAX_FUNCTIONS)).map(async (one, i) => {
      const line = hottestLine(one);
      const head = `## ${i + 1}. ${code(one.name)} ${placeText({ ...one, line: line?.line ?? one.line }, folders[0] ?? '/') || text(one.module)}`;
      const figuresText = `self ${shareText(share(one.self))}, total ${shareText(share(one.total))} of the ${whatOf(figures.metric.id)}${
        line ? `; line ${line.line}: ${shareText(share(line.total))}` : ''
      }`;
      const source = line && one.file !== null ? await excerpt(originalOf(one.file), line.line, folders) : null;
      const shown = source
        ? [FENCE, ...source.map((row) => row.replaceAll('`', "'")), FENCE]
        : ['(its source is not below the folders that may be shown)'];
      return [head, figuresText, ...(line ? shown : []), ''];
    }),
  );
  return blocks.flat();
}

/** The function that answers for most first, then those that take most themselves. */
function hottest(figures: Figures, count: number): FunctionFigures[] {
  const cause = causeOf(figures);
  const rest = bySelf(figures.functions).filter((one) => one !== cause?.function && one.self > 0);
  return [...(cause ? [cause.function] : []), ...rest].slice(0, count);
}

function hottestLine({ lines }: FunctionFigures) {
  return lines.reduce<FunctionFigures['lines'][number] | null>(
    (best, line) => (best === null || line.total > best.total ? line : best),
    null,
  );
}
