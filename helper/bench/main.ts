// `make benchmark` (all) and `make benchmark-performance` (performance): measures what a recording costs and prints one
// Markdown table with the bars beside the figures. Needs root, and a machine that does nothing else meanwhile.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { RecordSummary } from '../src/protocol';
import { measureAccuracy } from './accuracy';
import { measureFootprint } from './footprint';
import { ourRecording, overheadRatio } from './overhead';
import { ROOT } from './paths';
import { bpftraceProfile, bpftraceProgramNs, isInstalled, perfRecord } from './peers';
import { markdownTable, type Row } from './report';
import { type ServerTarget, startOurServer, startRedis } from './serverTargets';
import { measureStartup } from './startup';
import { type Estimate, formatRatio, formatSpread, spread } from './statistics';

const MB = 1e6;
/** Pairs at the most where the interval does not get narrow: PAIRS=12 for a shorter run. */
const PAIRS_MAX = Number(process.env.PAIRS ?? 40);
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

async function withServer(starter: () => Promise<ServerTarget>, body: (target: ServerTarget) => Promise<void>) {
  const target = await starter();
  try {
    await body(target);
  } finally {
    await target.stop();
  }
}

async function overheadOn(target: ServerTarget, whole: boolean) {
  const limits = { pairsMin: whole ? 10 : 4, pairsMax: whole ? PAIRS_MAX : 6, halfWidth: 0.005 };
  const peerLimits = { ...limits, pairsMax: Math.min(limits.pairsMax, 10) };
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
  if (whole && isInstalled('perf'))
    add(
      `perf record -g beside it, ${target.name}, 99 Hz`,
      '',
      formatRatio(await overheadRatio(target, perfRecord(99), peerLimits)),
    );
  if (whole && isInstalled('bpftrace')) {
    const ratio = await overheadRatio(target, bpftraceProfile(99), peerLimits);
    add(`bpftrace profile beside it, ${target.name}, 99 Hz`, '', formatRatio(ratio));
    const ns = await bpftraceProgramNs(target.pid, 99);
    if (ns !== null) add(`bpftrace: BPF time a run, ${target.name}`, '', `${(ns / 1_000).toFixed(2)} us`);
  }
}

async function footprintOn(target: ServerTarget, seconds: number) {
  const { cpuShare, steadyRssBytes, peakRssBytes } = await measureFootprint(target, seconds);
  add(
    'helper CPU after the first 5 s, 99 Hz',
    '<= 1 % of a core',
    `${(cpuShare * 100).toFixed(2)} %`,
    cpuShare <= 0.01,
  );
  add('helper memory, steady', '<= 100 MB', `${(steadyRssBytes / MB).toFixed(0)} MB`, steadyRssBytes <= 100 * MB);
  add('helper memory, peak', '<= 300 MB', `${(peakRssBytes / MB).toFixed(0)} MB`, peakRssBytes <= 300 * MB);
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

function vsixSize() {
  const file = readdirSync(join(ROOT, 'out')).find((name) => name.endsWith('.vsix'));
  if (file === undefined) return;
  const { size } = statSync(join(ROOT, 'out', file));
  add('VSIX', '<= 15 MB', `${(size / MB).toFixed(2)} MB`, size <= 15 * MB);
}

async function main() {
  const whole = process.argv[2] !== 'performance';
  await startupFigures(whole ? 7 : 3);
  await accuracyFigures(whole ? 20 : 8);
  await withServer(startOurServer, async (target) => {
    await footprintOn(target, whole ? 60 : 20);
    await overheadOn(target, whole);
  });
  if (whole) {
    if (isInstalled('redis-server')) await withServer(startRedis, (target) => overheadOn(target, true));
    vsixSize();
    stopToPainted();
  }
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
