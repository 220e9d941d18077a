// A comparison as the command line prints it: what changed, most first, then what is noise, then how far the figures can be trusted.

import { placeText, whatOf } from '../figures/reportText';
import { visibleText } from '../protocol';
import type { Comparison, FigureChange, FunctionChange } from './compare';
import type { Change } from './intervals';

const CHANGED = 25;
const NOISE = 8;
const LINES = 3;
const NAME_CHARS = 60;

export function compareText(comparison: Comparison, folder: string): string[] {
  const { a, b, metric, by, functions } = comparison;
  const changed = functions.filter(({ total, self }) => total.verdict !== 'noise' || self.verdict !== 'noise');
  const noise = functions.filter((one) => !changed.includes(one)).sort((x, y) => y.shareB - x.shareB);
  const side = ({ title, recordings, total }: Comparison['a']) =>
    `${visibleText(title)} (${recordings > 1 ? `${recordings} recordings, ` : ''}${Math.round(total).toLocaleString('en-US')} ${metric.period === null ? metric.unit : 'samples'})`;
  return [
    `A: ${side(a)}`,
    `B: ${side(b)}`,
    `Change of ${whatOf(metric.id)} from A to B, ${NORMALIZED[by]}; in brackets the 95 % interval of the total's change.`,
    ...(comparison.unit === 'share' ? [] : [`All: ${figureText(comparison.whole, comparison)}`]),
    '',
    ...(changed.length === 0 ? ['No function changed by more than chance explains.'] : [HEAD]),
    ...changed.slice(0, CHANGED).flatMap((one) => functionLines(one, comparison, folder)),
    ...(changed.length > CHANGED ? [`  … and ${changed.length - CHANGED} more (--json has all)`] : []),
    ...(noise.length === 0
      ? []
      : ['', `Noise: 0 lies within the interval of ${noise.length} more functions, these first:`]),
    ...noise.slice(0, NOISE).flatMap((one) => functionLines({ ...one, lines: [] }, comparison, folder)),
    '',
    trustText(comparison),
  ];
}

const NORMALIZED: Record<Comparison['by'], string> = {
  cpu: 'normalized by CPU time',
  samples: 'normalized by samples',
  requests: 'normalized by requests',
};

const HEAD = `${'change'.padStart(10)}  ${'95 % interval'.padEnd(22)}${'A'.padStart(11)}${'B'.padStart(11)}  function`;

function functionLines(one: FunctionChange, comparison: Comparison, folder: string): string[] {
  const where = placeText(one, folder) || visibleText(one.module);
  const name = visibleText(one.name);
  const shown = name.length > NAME_CHARS ? `…${name.slice(1 - NAME_CHARS)}` : name;
  const self =
    one.self.verdict !== 'noise' && one.total.verdict === 'noise'
      ? ` (itself ${percent(one.self.change.estimate)} ${intervalText(one.self.change)})`
      : '';
  return [
    `${figureText(one.total, comparison)}  ${shown}  ${where}${self}${remark(one, folder)}`.trimEnd(),
    ...one.lines
      .slice(0, LINES)
      .map(
        ({ lineA, lineB, total }) =>
          `${figureText(total, comparison)}    line ${lineB ?? lineA}${
            lineB === null ? ' (gone)' : lineA === null ? ' (new)' : lineA === lineB ? '' : ` (was line ${lineA})`
          }`,
      ),
  ];
}

function remark({ how, before, total, name }: FunctionChange, folder: string): string {
  if (total.verdict === 'new') return ' (new)';
  if (total.verdict === 'gone') return ' (gone)';
  if (before && how === 'renamed') return ` (renamed from ${visibleText(before.name)}?)`;
  const renamed = before && before.name !== name ? `, was ${visibleText(before.name)}` : '';
  return before && how === 'moved' ? ` (moved from ${placeText(before, folder)}${renamed})` : '';
}

function figureText({ a, b, change }: FigureChange, comparison: Comparison): string {
  return `${percent(change.estimate).padStart(10)}  ${intervalText(change).padEnd(22)}${valueText(a, comparison).padStart(11)}${valueText(b, comparison).padStart(11)}`;
}

function intervalText({ low, high }: Change): string {
  return `[${percent(low)}, ${percent(high)}]`;
}

function percent(change: number): string {
  if (Number.isNaN(change)) return 'none';
  if (change === Number.POSITIVE_INFINITY) return '∞';
  return `${change > 0 ? '+' : ''}${(100 * change).toFixed(1)} %`;
}

/** A figure of samples counts a period each. */
function valueText(value: number, { unit, metric }: Comparison): string {
  if (unit === 'share') return `${(100 * value).toFixed(1)} %`;
  if (metric.unit === 'nanoseconds') return `${(value / 1e3).toLocaleString('en-US', { maximumFractionDigits: 1 })} us`;
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

function trustText({ a, b, metric, dispersion }: Comparison): string {
  if (metric.period === null)
    return 'These figures were measured: they have no sampling error, but runs of one program differ.';
  if (a.recordings + b.recordings === 2)
    return 'The interval is that of sampling alone. Runs of one program differ, too: put several recordings on each side (A1 A2 -- B1 B2), and it holds that.';
  return dispersion > 1
    ? `Recordings of one program vary ${dispersion.toFixed(1)} times as much (in variance) as sampling explains; the intervals are wider by that.`
    : 'Recordings of one program vary no more than sampling explains.';
}
