// `make benchmark` (all) and `make benchmark-performance` (performance): measures what a recording costs and prints one
// Markdown table with the bars beside the figures. Needs root, and a machine that does nothing else meanwhile. Single parts
// by their names: `node out/js/helper/bench/main.js footprint peers`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { RecordSummary } from '../src/protocol';
import { measureAccuracy } from './accuracy';
import { EVENT_TARGETS, measureEventKinds } from './eventKinds';
import { measureFootprint } from './footprint';
import { interruptsAlone, ourRecording, overheadRatio } from './overhead';
import { ROOT } from './paths';
import { bpftraceProfile, bpftraceProgramNs, isInstalled, perfRecord } from './peers';
import { markdownTable, type Row } from './report';
import { measureRuntimes } from './runtimes';
import { type ServerTarget, startOurServer, startRedis, startThreads } from './serverTargets';
import { measureStartup } from './startup';
import { type Estimate, formatRatio, formatSpread, spread } from './statistics';
import { measureOwnBinary, measureSymbolize, type SymbolizeFigures } from './symbolize';
import { measureUnwindTables } from './unwindTables';
import { measureFirstWhole, measureWalk, type WalkFigures } from './walk';

const MB = 1e6;
/** Blocks of four windows at the most where the interval does not get narrow: BLOCKS=100 for a shorter run. */
const BLOCKS_MAX = Number(process.env.BLOCKS ?? 400);
const rows: Row[] = [];
const add = (figure: string, bar: string, measured: string, kept: boolean | null = null) => {
  rows.push({ figure, bar, measured, kept });
  console.error(`${figure}: ${measured}${kept === false ? '  (bar missed)' : ''}`);
};

/** Whether a ratio keeps its bar: undecided (null) while the bar lies within its interval. */
function verdict({ mean, halfWidth }: Estimate, bar: number): boolean | null {
  if (mean + halfWidth <= bar) return true;
  return mean - halfWidth > bar ? false : null;
}

async function withTarget<T extends { stop(): Promise<void> }>(
  starter: () => Promise<T>,
  body: (target: T) => Promise<void>,
) {
  const target = await starter();
  try {
    await body(target);
  } finally {
    await target.stop();
  }
}

async function overheadOn(target: ServerTarget, whole: boolean) {
  const blocksMax = whole ? BLOCKS_MAX : 50;
  const limits = { blocksMin: Math.min(100, blocksMax), blocksMax, halfWidth: 0.005 };
  for (const [frequencyHz, bar] of [
    [99, 1.01],
    [999, 1.03],
  ] as const) {
    const summaries: RecordSummary[] = [];
    const ratio = await overheadRatio(
      target,
      ourRecording(frequencyHz, (summary) => summaries.push(summary)),
      limits,
    );
    const where = `${target.name}, ${frequencyHz} Hz`;
    add(`CPU time a request with / without, ${where}`, `<= ${bar}`, formatRatio(ratio), verdict(ratio, bar));
    const bare = await overheadRatio(target, interruptsAlone(frequencyHz), limits);
    add(`… of it the sampling interrupts alone, nothing recorded, ${where}`, '', formatRatio(bare));
    const nsPerSample = summaries.flatMap(({ helper, samples }) =>
      helper.bpfNs === null || samples === 0 ? [] : [helper.bpfNs / samples / 1_000],
    );
    if (nsPerSample.length > 0) {
      const is99 = frequencyHz === 99;
      const text = formatSpread(nsPerSample, 'us', 2);
      add(
        `BPF time a kept sample, ${where}`,
        is99 ? '<= 8 us' : '',
        text,
        is99 ? spread(nsPerSample).median <= 8 : null,
      );
    }
    const lost = summaries.reduce((sum, summary) => sum + summary.lost, 0);
    const samples = summaries.reduce((sum, summary) => sum + summary.samples, 0);
    add(`lost samples, ${where}`, '0', `${lost} of ${samples + lost}`, lost === 0);
  }
}

async function peersOn(target: ServerTarget) {
  const blocksMax = Math.min(100, BLOCKS_MAX);
  const limits = { blocksMin: blocksMax, blocksMax, halfWidth: 0.005 };
  if (isInstalled('perf')) {
    const ratio = await overheadRatio(target, perfRecord(99), limits);
    add(`perf record -g beside it, ${target.name}, 99 Hz`, '', formatRatio(ratio));
  }
  if (isInstalled('bpftrace')) {
    const ratio = await overheadRatio(target, bpftraceProfile(99), limits);
    add(`bpftrace profile beside it, ${target.name}, 99 Hz`, '', formatRatio(ratio));
    const ns = await bpftraceProgramNs(target.pid, 99);
    if (ns !== null) add(`bpftrace: BPF time a run, ${target.name}`, '', `${(ns / 1_000).toFixed(2)} us`);
  }
}

async function footprintOn(target: { name: string; pid: number }, windows: number) {
  const { cpuShares, rssBytes, peakRssBytes } = await measureFootprint(target.pid, windows);
  const percents = cpuShares.map((share) => share * 100);
  const mean = percents.reduce((sum, percent) => sum + percent, 0) / percents.length;
  const cpu = `${mean.toFixed(2)} % on average, by windows ${formatSpread(percents, '%', 2)}`;
  add(`helper CPU after the first 5 s, 99 Hz, ${target.name}`, '<= 1 % of a core', cpu, mean <= 1);
  const megabytes = rssBytes.map((bytes) => bytes / MB);
  const steady = formatSpread(megabytes, 'MB');
  add(`helper memory, steady, ${target.name}`, '<= 100 MB', steady, spread(megabytes).median <= 100);
  add(
    `helper memory, peak, ${target.name}`,
    '<= 300 MB',
    `${(peakRssBytes / MB).toFixed(0)} MB`,
    peakRssBytes <= 300 * MB,
  );
}

async function startupFigures(runs: number) {
  const { firstSampleMs, firstSymbolColdMs, firstSymbolWarmMs } = await measureStartup(runs);
  const row = (figure: string, barMs: number, values: number[]) =>
    add(figure, `<= ${barMs} ms`, formatSpread(values, 'ms'), values.length > 0 && spread(values).median <= barMs);
  row('execve of record to the first sample', 500, firstSampleMs);
  row('… to the first named frame in the file, warm cache', 2_000, firstSymbolWarmMs);
  row('… cold cache', 4_000, firstSymbolColdMs);
}

async function accuracyFigures(seconds: number) {
  for (const frequencyHz of [99, 999]) {
    const { samples, lost, keptRatio } = await measureAccuracy(frequencyHz, seconds);
    const off = `${((keptRatio - 1) * 100).toFixed(2)} % off, ${samples} samples, ${lost} lost`;
    add(
      `kept samples against Hz x (utime + stime), 8 threads, ${frequencyHz} Hz`,
      'within 2 %, 0 lost',
      off,
      Math.abs(keptRatio - 1) <= 0.02 && lost === 0,
    );
  }
}

function stopToPainted() {
  const script = join(ROOT, 'out/js/extension/test/e2e/measurePaint.js');
  const answer = execFileSync(process.execPath, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const times = JSON.parse(answer.trim().split('\n').at(-1) as string) as number[];
  const text = formatSpread(times, 'ms');
  add('stop to painted flame graph, 60 s x 99 Hz x 8 threads', '<= 1000 ms', text, spread(times).median <= 1_000);
}

function repaints() {
  const script = join(ROOT, 'out/js/webview/test/browser/measureRepaint.js');
  const answer = execFileSync(process.execPath, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const byAction = JSON.parse(answer.trim().split('\n').at(-1) as string) as Record<string, number[]>;
  for (const [action, times] of Object.entries(byAction)) {
    const what = { range: 'range of time', search: 'search', myCode: 'My Code' }[action] ?? action;
    const isQuick = spread(times).median <= 200;
    add(`page shows another ${what}, 47,520 samples, 8 threads`, '<= 200 ms', formatSpread(times, 'ms'), isQuick);
  }
}

function vsixSize() {
  const file = readdirSync(join(ROOT, 'out')).find((name) => name.endsWith('.vsix'));
  if (file === undefined) return;
  const { size } = statSync(join(ROOT, 'out', file));
  add('VSIX', '<= 15 MB', `${(size / MB).toFixed(2)} MB`, size <= 15 * MB);
}

async function tableFigures(runs: number) {
  const figures = await measureUnwindTables(runs);
  if (!figures) return;
  const row = (figure: string, barMs: number, values: number[]) =>
    add(figure, `<= ${barMs} ms`, formatSpread(values, 'ms'), spread(values).median <= barMs);
  row('unwind table of the C library, warm', 20, figures.libcLaterMs);
  add('… as the first file of a thread', '', formatSpread(figures.libcFirstMs, 'ms'));
  row('unwind tables, a million rows, first run', 500, figures.millionRowsFirstMs);
  add('… second run', '', formatSpread(figures.millionRowsLaterMs, 'ms'));
  row(`unwind tables of a process from the cache, ${figures.cachedFiles} files`, 100, figures.cachedProcessMs);
}

async function symbolFigures(runs: number) {
  const row = async (name: string, figures: SymbolizeFigures | null) => {
    if (!figures) return;
    const { fileBytes, wallMs, peakRssBytes, llvmMs } = figures;
    const what = `10,000 addresses of ${name} (${(fileBytes / MB).toFixed(0)} MB) named, from start to end`;
    add(what, '<= 2000 ms', formatSpread(wallMs, 'ms'), spread(wallMs).median <= 2_000);
    const megabytes = peakRssBytes.map((bytes) => bytes / MB);
    add('… peak memory', '<= 300 MB', formatSpread(megabytes, 'MB'), spread(megabytes).median <= 300);
    if (llvmMs !== null) add('… by llvm-symbolizer', '', `${llvmMs.toFixed(0)} ms`);
  };
  await row('a debug file', await measureSymbolize(runs));
  await row("node's binary", await measureOwnBinary(runs));
}

/** One run of two programs each time: the spread is that of the runs. */
async function walkFigures(runs: number) {
  const figures: WalkFigures[] = [];
  for (let run = 0; run < runs; run++) figures.push(await measureWalk());
  const us = figures.map(({ nsPerSample }) => nsPerSample / 1_000);
  const ns = figures.map(({ nsPerFrame }) => nsPerFrame);
  add('BPF time a sample, warm, 30 frames', '<= 2 us', formatSpread(us, 'us', 2), spread(us).median <= 2);
  add('… a frame more', '<= 65 ns', formatSpread(ns, 'ns'), spread(ns).median <= 65);
  const { hitShare, rows, bytesPerRow } = figures[figures.length - 1];
  add('… frames whose rule was remembered', '', `${(100 * hitShare).toFixed(2)} %`);
  const perRow = `${bytesPerRow.toFixed(1)} of ${rows} rows`;
  add('kernel memory of the unwind tables, bytes a row', '<= 16', perRow, bytesPerRow <= 16);
  const whole = await measureFirstWhole(runs);
  const text = formatSpread(whole, 'ms');
  add('command to the first whole stack in the file, warm cache', '<= 2000 ms', text, spread(whole).median <= 2_000);
}

/** Bars: BPF time in real use and warm; names within two seconds; nearly all stacks whole, and their ends on the user's lines. */
async function runtimeFigures(runs: number) {
  for (const { name, at99Us, at999Us, namesMs, namedShare, ownShare, pySpyShare } of await measureRuntimes(runs)) {
    const bar = name === 'Python' ? 8 : 12;
    const median = (values: number[]) => spread(values).median;
    const what = `BPF time a kept sample, 30 functions, ${name}`;
    if (at99Us.length > 0) add(`${what}, 99 Hz`, '<= 20 us', formatSpread(at99Us, 'us', 2), median(at99Us) <= 20);
    if (at999Us.length > 0)
      add(`${what}, 999 Hz`, `<= ${bar} us`, formatSpread(at999Us, 'us', 2), median(at999Us) <= bar);
    const names = formatSpread(namesMs, 'ms');
    add(`command to the first named function of ${name}, warm cache`, '<= 2000 ms', names, median(namesMs) <= 2_000);
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    add(`samples whose functions are all known, ${name}`, '>= 99 %', percent(namedShare), namedShare >= 0.99);
    add(`samples that end on a line of the program, ${name}`, '>= 85 %', percent(ownShare), ownShare >= 0.85);
    if (pySpyShare !== null) add('py-spy beside it, its own CPU time at 99 Hz', '', percent(pySpyShare));
  }
}

/** What others on the machine pay, and what the target pays, by where the sampling events are. */
function eventFigures(seconds: number) {
  measureEventKinds(EVENT_TARGETS, 99, seconds, (work, { name, target, other, samples, expected }) => {
    const ratio = (value: typeof target) => `${value.mean.toFixed(4)} ± ${value.halfWidth.toFixed(4)}`;
    const ours = name === 'per-CPU';
    add(`${name} events alone, target (${work})`, ours ? '<= 1.01' : '', ratio(target));
    add(`… a process beside it`, ours ? '<= 1.001' : '', ratio(other));
    if (!(ours && work === 'forks')) add('… samples / Hz x CPU time', '1', `${samples} / ${expected}`);
  });
}

const PERFORMANCE_PARTS = ['startup', 'accuracy', 'footprint', 'overhead'];
const ALL_PARTS = [
  ...PERFORMANCE_PARTS,
  'walk',
  'runtimes',
  'tables',
  'symbols',
  'peers',
  'events',
  'redis',
  'vsix',
  'paint',
];

async function measure(parts: string[], whole: boolean) {
  const wanted = (part: string) => parts.includes(part);
  if (wanted('startup')) await startupFigures(whole ? 7 : 3);
  if (wanted('walk')) await walkFigures(whole ? 5 : 2);
  if (wanted('runtimes')) await runtimeFigures(whole ? 3 : 2);
  if (wanted('tables')) await tableFigures(whole ? 9 : 3);
  if (wanted('symbols')) await symbolFigures(whole ? 7 : 3);
  if (wanted('accuracy')) await accuracyFigures(whole ? 20 : 8);
  if (wanted('footprint')) await withTarget(startThreads, (target) => footprintOn(target, whole ? 6 : 2));
  if (['footprint', 'overhead', 'peers'].some(wanted))
    await withTarget(startOurServer, async (target) => {
      if (wanted('footprint')) await footprintOn(target, whole ? 6 : 2);
      if (wanted('overhead')) await overheadOn(target, whole);
      if (wanted('peers')) await peersOn(target);
    });
  if (wanted('events')) eventFigures(whole ? 60 : 15);
  if (wanted('redis') && isInstalled('redis-server'))
    await withTarget(startRedis, async (target) => {
      await overheadOn(target, whole);
      if (wanted('peers')) await peersOn(target);
    });
  if (wanted('vsix')) vsixSize();
  if (wanted('paint')) {
    repaints();
    stopToPainted();
  }
}

async function main() {
  const [first = 'all', ...more] = process.argv.slice(2);
  const parts = first === 'all' ? ALL_PARTS : first === 'performance' ? PERFORMANCE_PARTS : [first, ...more];
  const unknown = parts.find((part) => !ALL_PARTS.includes(part));
  if (unknown !== undefined) throw new Error(`No part "${unknown}"; there are: ${ALL_PARTS.join(', ')}`);
  await measure(parts, first !== 'performance');
  const machine = `Kernel ${release()}, ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`;
  const text = `${machine}\n\n${markdownTable(rows)}\n`;
  console.log(`\n${text}`);
  mkdirSync(join(ROOT, '.artifacts'), { recursive: true });
  writeFileSync(join(ROOT, '.artifacts/benchmark.md'), text);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
