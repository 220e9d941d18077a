// A report as Markdown of at most 40 lines, which reads as well in a terminal. Names come from the recorded program: they are shown as
// text, in such a way that no Markdown arises from them.

import { visibleText } from '../protocol';
import type { Place, Report, Share } from './report';

export const MAX_LINES = 40;
const NAME_CHARS = 70;
const PATH_STEPS = 6;

/** `folder`: places are shown relative to it. */
export function reportText(report: Report, folder: string): string[] {
  const tail = notSeenLines(report.notSeen);
  const room = MAX_LINES - tail.length;
  return [
    ...headLines(report, folder),
    '',
    ...tableLines(report, folder),
    ...pathLines(report),
    ...otherLines(report, folder),
  ]
    .slice(0, room)
    .concat(tail);
}

function headLines(report: Report, folder: string): string[] {
  const { title, cause, total, metric, durationMs, frequencyHz } = report;
  const counted = metric.period === null ? `${number(total)} ${metric.unit}` : `${number(total)} samples`;
  const rate = metric.id === 'cpu' && frequencyHz !== null ? ` at ${frequencyHz} Hz` : '';
  const said = metric.period === null ? 'Measured, without sampling error.' : '± is the 95 % sampling error.';
  const about = `${counted} of ${whatOf(metric.id)} in ${(durationMs / 1000).toFixed(1)} s${rate}. ${said}`;
  if (!cause) return [`# ${text(title)}`, '', `**Nothing was counted.** ${about}`];
  const what = whatOf(metric.id);
  const where = placeText(cause, folder);
  const verb = cause.own ? 'answers for' : 'itself takes';
  return [
    `# ${text(title)}`,
    '',
    `**${code(cause.name)}${where === '' ? '' : ` (${where})`} ${verb} ${shareText(cause.share)} of the ${what}.**`,
    ...(cause.hotLine
      ? [
          `Its hottest line is ${cause.hotLine.line}${fileSuffix(cause, folder, cause.hotLine.line)}: ${shareText(cause.hotLine.share)}.`,
        ]
      : []),
    ...(cause.asked.length > 0
      ? [
          `Of that it asked others for: ${cause.asked.map((one) => `${code(one.name)}${one.module ? ` of ${text(one.module)}` : ''} ${shareText(one.share)}`).join(', ')}.`,
        ]
      : []),
    ...(cause.own ? [] : ['No function of your own has 2 % or more; this is the function that takes most itself.']),
    ...(cause.callers.length > 0
      ? [`It is called by ${cause.callers.map((one) => `${code(one.name)} ${shareText(one.share)}`).join(', ')}.`]
      : []),
    about,
  ];
}

function tableLines({ functions, lines }: Report, folder: string): string[] {
  if (functions.length === 0) return [];
  return [
    '| self | total | function | file:line |',
    '| ---: | ---: | --- | --- |',
    ...functions.map((one) =>
      row([shareText(one.self), shareText(one.total), code(one.name), placeText(one, folder) || text(one.module)]),
    ),
    '',
    ...(lines.length === 0
      ? []
      : [
          '| self | total | line | function |',
          '| ---: | ---: | --- | --- |',
          ...lines.map((one) =>
            row([shareText(one.self), shareText(one.total), placeText(one, folder), code(one.function)]),
          ),
          '',
        ]),
  ];
}

function pathLines({ hottestPath: path }: Report): string[] {
  if (path.length < 2) return [];
  const shown = path.slice(-PATH_STEPS).map(({ name }) => code(name));
  return [`Hottest path: ${path.length > PATH_STEPS ? '… › ' : ''}${shown.join(' › ')}`];
}

function otherLines({ otherMetrics, http }: Report, folder: string): string[] {
  return [
    ...otherMetrics.slice(0, 2).flatMap(({ id, top }) => {
      if (!top) return [];
      const where = placeText(top, folder);
      return [
        `Of ${whatOf(id)} most is ${code(top.name)}${where === '' ? '' : ` (${where})`}: ${shareText(top.share)}.`,
      ];
    }),
    ...(http
      ? [
          `${number(http.requests)} HTTP requests${
            http.slowest
              ? `; the slowest route is ${code(`${http.slowest.method} ${http.slowest.route}`)}: p99 ${http.slowest.p99Ms.toFixed(1)} ms`
              : ''
          }.`,
        ]
      : []),
  ];
}

function notSeenLines(remarks: readonly string[]): string[] {
  const shown = remarks.slice(0, remarks.length > 6 ? 5 : 6);
  const more = remarks.length - shown.length;
  return [
    '',
    '## Not seen',
    ...(shown.length === 0 ? ['Nothing is known to be missing.'] : shown.map((line) => `- ${text(line)}`)),
    ...(more > 0 ? [`- … and ${more} more: see --format json.`] : []),
  ];
}

/** What a metric's figures are of. */
export function whatOf(metric: string): string {
  return metric === 'cpu' ? 'CPU time' : `"${text(metric)}"`;
}

export function shareText({ share, error }: Share): string {
  const percent = (100 * share).toFixed(1);
  return error === null ? `${percent} %` : `${percent} % ±${(100 * error).toFixed(1)}`;
}

function fileSuffix(place: Place, folder: string, line: number): string {
  return place.file === null ? '' : ` (${placeText({ ...place, line }, folder)})`;
}

export function placeText({ file, line }: Place | { file: string; line: number }, folder: string): string {
  if (file === null) return '';
  const near = file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
  return `${text(near)}${line === null ? '' : `:${line}`}`;
}

const row = (cells: string[]) => `| ${cells.join(' | ')} |`;

const number = (value: number) => Math.round(value).toLocaleString('en-US');

/** As code: a backtick would end it, and a bar would end a table's cell. */
export function code(name: string): string {
  const plain = visibleText(name).replaceAll('`', "'").replaceAll('|', '¦');
  return `\`${shortened(plain)}\``;
}

/** The end says which function it is: namespaces and type arguments of callers go first. */
function shortened(name: string): string {
  return name.length <= NAME_CHARS ? name : `…${name.slice(1 - NAME_CHARS)}`;
}

/** As text: what would begin a link, a tag, emphasis or a cell is spelled out. */
export function text(value: string): string {
  return visibleText(value).replace(/[\\`*[\]<>|#]/g, (char) => (char === '|' ? '¦' : `\\${char}`));
}
