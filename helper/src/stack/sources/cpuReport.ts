// What the command line prints of CPU samples: the hottest functions with their sampling error, lost samples and stacks that are
// not whole, execution contexts, files whose symbols could not be read.

import {
  BROKEN_STACKS_SAID,
  CONTEXT_KINDS,
  type CpuOptions,
  INLINED_SUFFIX,
  mostFrequentCause,
  type RecordSummary,
  type RuntimeReport,
  runtimeTitle,
  samplingError95,
  type TruncationReason,
  type UnnamedFile,
  visibleText,
} from '../../protocol';

/** Functions shown; the recording holds all. */
const ROWS = 20;
/** Files shown of which the symbols could not be read. */
const BAD_FILES = 5;

const REASONS: Record<TruncationReason, string> = {
  noFramePointer: 'no frame pointer',
  tooDeep: 'too deep',
  badAddress: 'bad address',
  noUnwindInfo: 'no unwind information',
  unreadableStack: 'stack not readable',
  unexpressible: 'unusual unwind information',
  code32Bit: '32-bit code is not supported',
  tablesNotReady: 'unwind tables not ready',
  jitCode: 'code made at run time',
  stripped: 'unwind information stripped',
  unreadableFile: 'file not readable',
  unknown: 'unknown',
};

/** What to do about stacks that are not whole, by their cause; the others need none, or there is nothing to be done. */
const ADVICE: Partial<Record<TruncationReason, string>> = {
  noFramePointer: 'build with -fno-omit-frame-pointer to see all callers',
  tooDeep: 'record with a greater --max-frames to see all callers',
  noUnwindInfo: 'some code has no unwind information; compilers write it with -fasynchronous-unwind-tables',
  stripped: 'unwind information was stripped from a file; keep its .eh_frame, or install its debug file',
  jitCode: 'they lead through code made at run time; let its runtime keep frame pointers',
  tablesNotReady: 'the unwind tables were not ready yet; record once more, they are kept',
  unreadableFile: 'a file that they lead through could not be read',
};

type StackHealth = Pick<RecordSummary, 'samples' | 'wholeStacks' | 'truncated'>;

/** Of the most frequent cause, where it matters. */
function adviceOn({ samples, wholeStacks, truncated }: StackHealth): string[] {
  const broken = samples === 0 ? 0 : 1 - wholeStacks / samples;
  const cause = mostFrequentCause(truncated);
  const advice = cause && ADVICE[cause];
  return broken > BROKEN_STACKS_SAID && advice ? [`Stacks that are not whole: ${advice}.`] : [];
}

/** How many stacks are not whole, why, and what to do about it: nothing where all are. */
export function brokenStacks(health: StackHealth): string[] {
  const { samples, wholeStacks } = health;
  if (samples === 0 || wholeStacks >= samples) return [];
  const share = inPercent(1 - wholeStacks / samples);
  return [`${share} % of the stacks are not whole: ${reasons(health).join(', ') || 'unknown'}.`, ...adviceOn(health)];
}

function reasons({ truncated }: StackHealth): string[] {
  return Object.entries(truncated).map(
    ([reason, count]) => `${count} ${REASONS[reason as TruncationReason] ?? reason}`,
  );
}

export function cpuHeadline({ samples, durationMs }: RecordSummary, { frequencyHz }: CpuOptions): string {
  return `${samples} samples in ${(durationMs / 1000).toFixed(1)} s at ${frequencyHz} Hz`;
}

// None and all without digits, as everywhere.
const inPercent = (value: number) => (value === 0 || value === 1 ? String(100 * value) : (100 * value).toFixed(1));

const shareOf = (value: number, samples: number) =>
  `${inPercent(value).padStart(5)} % ±${(samplingError95(value, samples) * 100).toFixed(1).padEnd(4)}`;

export function cpuReport(summary: RecordSummary, folder: string): string[] {
  const { samples } = summary;
  const percent = (part: number, whole: number) => inPercent(whole === 0 ? 0 : part / whole);
  const rows = summary.top.slice(0, ROWS).map((row) => ({
    text: `${shareOf(row.self, samples)}  ${shareOf(row.total, samples)}`,
    name: shorten(visibleText(row.name), 60),
    place:
      row.file === null ? '' : `${visibleText(relative(row.file, folder))}${row.line === null ? '' : `:${row.line}`}`,
  }));
  const nameWidth = Math.max(8, ...rows.map((row) => row.name.length));
  const truncated = reasons(summary);
  return [
    `${'self'.padStart(9)}${''.padEnd(6)}${'total'.padStart(9)}${''.padEnd(6)}  ${'function'.padEnd(nameWidth)}  file:line`,
    ...rows.map((row) => `  ${row.text}  ${row.name.padEnd(nameWidth)}  ${row.place}`.trimEnd()),
    ...(summary.top.length > ROWS ? [`  … and more in the recording`] : []),
    '',
    `± is the 95 % sampling error (Wilson interval) of ${samples} samples.`,
    `Lost: ${summary.lost} of ${samples + summary.lost}. Whole stacks: ${percent(summary.wholeStacks, samples)} %${
      truncated.length > 0 ? `; truncated: ${truncated.join(', ')}` : ''
    }. Frames with a name: ${percent(summary.symbolizedFrames, summary.frames)} %.`,
    ...adviceOn(summary),
  ];
}

export function cpuRemarks(summary: RecordSummary): string[] {
  const { samples } = summary;
  return [
    ...CONTEXT_KINDS.flatMap((kind) => {
      const contexts = summary[`${kind}s`];
      if (!contexts) return [];
      const { seen, busiest } = contexts;
      const title = `${kind[0].toUpperCase()}${kind.slice(1)}s`;
      const name = busiest.name === undefined ? busiest.id : visibleText(busiest.name);
      return [`${title}: ${seen} seen, busiest ${name} (${shareOf(busiest.share, samples).trim()}).`];
    }),
    ...unnamedRemarks(summary),
  ];
}

/** What has no names, and what would name it. */
export function unnamedRemarks({
  badFiles = [],
  unnamedFiles = [],
  runtimes = [],
}: Pick<RecordSummary, 'badFiles' | 'unnamedFiles' | 'runtimes'>): string[] {
  return [
    ...runtimeLines(runtimes),
    ...badFiles.slice(0, BAD_FILES).map(({ path, why }) => `Symbols of ${path} not read: ${why}.`),
    ...(badFiles.length > BAD_FILES
      ? [`… and of ${badFiles.length - BAD_FILES} more files; the recording has them all.`]
      : []),
    ...unnamedFiles.map(
      (file) =>
        `Functions of ${file.path} have no names (${inPercent(file.share)} % of the samples): ${howToName(file)}.`,
    ),
  ];
}

function howToName({ from }: UnnamedFile): string {
  if (from === null) return 'keep its symbols (do not strip it), or give its debug file with --debug-dir';
  const steps = [
    from.package === null ? null : `install ${from.package}`,
    from.server === null ? null : `allow --debuginfod ${from.server}`,
  ].filter((step) => step !== null);
  return steps.length > 0 ? steps.join(', or ') : 'install the debug symbols of its package';
}

/** Of runtimes whose functions could not be named, each reason once. */
function runtimeLines(runtimes: readonly RuntimeReport[]): string[] {
  return runtimes.flatMap((report) => {
    if (report.status !== 'nativeOnly') return [];
    const { processes, reason, fix } = report;
    const what = visibleText(runtimeTitle(report));
    const where = processes === 1 ? 'one process' : `${processes} processes`;
    return [`Functions of ${what} are not named (${where}): ${reason}.${fix === null ? '' : ` ${fix}`}`];
  });
}

function relative(file: string, folder: string): string {
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}

/** Whether it was inlined is told also of a long name. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = text.endsWith(INLINED_SUFFIX) ? INLINED_SUFFIX : '';
  return `${text.slice(0, length - 1 - end.length)}…${end}`;
}
