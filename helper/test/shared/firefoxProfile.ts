// What Firefox Profiler's processed format of version 60 asks for, as far as it can be checked without the application: every column of
// every table there, of its table's length and its type, and every index of something. After the types that it publishes
// (src/types/profile.ts of github.com/firefox-devtools/profiler) and its notes on versions (docs-developer/CHANGELOG-formats.md).

type Json = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const text: Check = (value) => typeof value === 'string';
const truth: Check = (value) => typeof value === 'boolean';
const or =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const is =
  (wanted: unknown): Check =>
  (value) =>
    value === wanted;
const index =
  (length: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < length;

/** What is wrong with it; empty: nothing. */
export function wrongInFirefoxProfile(profile: Json): string[] {
  const wrong: string[] = [];
  const expect = (right: boolean, what: string) => {
    if (!right && wrong.length < 20) wrong.push(what);
  };
  const object = (value: unknown, what: string): Json => {
    const right = typeof value === 'object' && value !== null && !Array.isArray(value);
    expect(right, `${what} is no object`);
    return right ? (value as Json) : {};
  };
  const list = (value: unknown, what: string): unknown[] => {
    expect(Array.isArray(value), `${what} is no list`);
    return Array.isArray(value) ? value : [];
  };
  const table = (value: unknown, what: string, columns: Record<string, Check>): number => {
    const of = object(value, what);
    expect(number(of.length), `${what} has no length`);
    for (const [name, check] of Object.entries(columns)) {
      const column = list(of[name], `${what}.${name}`);
      expect(column.length === of.length, `${what}.${name} has ${column.length} rows, not ${of.length}`);
      const odd = column.findIndex((one) => !check(one));
      expect(odd < 0, `${what}.${name}[${odd}] is ${JSON.stringify(column[odd])}`);
    }
    return number(of.length) ? (of.length as number) : 0;
  };
  const meta = object(profile.meta, 'meta');
  for (const name of ['interval', 'startTime', 'processType', 'stackwalk', 'version', 'preprocessedProfileVersion'])
    expect(number(meta[name]), `meta.${name} is no number`);
  expect(meta.preprocessedProfileVersion === 60, 'meta.preprocessedProfileVersion is not 60');
  expect((meta.interval as number) > 0, 'meta.interval is not above 0');
  expect(text(meta.product), 'meta.product is no text');
  list(meta.markerSchema, 'meta.markerSchema');
  const categories = list(meta.categories, 'meta.categories').map((one) => object(one, 'a category'));
  const COLORS = [
    'transparent',
    'purple',
    'green',
    'orange',
    'yellow',
    'lightblue',
    'blue',
    'brown',
    'magenta',
    'red',
    'grey',
  ];
  for (const { name, color, subcategories } of categories) {
    expect(text(name) && COLORS.includes(color as string), `a category is ${String(name)}, ${String(color)}`);
    expect(list(subcategories, 'subcategories')[0] === 'Other', 'the first subcategory is not Other');
  }
  expect(
    categories.some(({ color }) => color === 'grey'),
    'no category is grey, the default',
  );
  const libs = list(profile.libs, 'libs').map((one) => object(one, 'a lib'));
  for (const lib of libs)
    for (const name of ['arch', 'name', 'path', 'debugName', 'debugPath', 'breakpadId'])
      expect(text(lib[name]), `a lib has no ${name}`);
  const shared = object(profile.shared, 'shared');
  const strings = list(shared.stringArray, 'stringArray');
  expect(strings.every(text), 'stringArray holds other things than texts');
  expect(new Set(strings).size === strings.length, 'stringArray holds a text twice');
  const string = index(strings.length);
  const length = (name: string) => (object(shared[name], name).length as number) ?? 0;
  table(shared.sources, 'sources', { uuid: or(is(null), text), filename: string });
  table(shared.resourceTable, 'resourceTable', {
    lib: or(is(null), index(libs.length)),
    name: string,
    host: or(is(null), string),
    type: index(6),
  });
  table(shared.nativeSymbols, 'nativeSymbols', {
    libIndex: index(libs.length),
    address: number,
    name: string,
    functionSize: number,
  });
  table(shared.funcTable, 'funcTable', {
    name: string,
    isJS: truth,
    relevantForJS: truth,
    resource: or(is(-1), index(length('resourceTable'))),
    source: or(is(null), index(length('sources'))),
    lineNumber: or(is(null), number),
    columnNumber: or(is(null), number),
  });
  table(shared.frameTable, 'frameTable', {
    address: number,
    inlineDepth: index(256),
    category: or(is(null), index(categories.length)),
    subcategory: or(is(null), is(0)),
    func: index(length('funcTable')),
    nativeSymbol: is(null),
    innerWindowID: is(null),
    line: or(is(null), number),
    column: or(is(null), number),
  });
  const stacks = table(shared.stackTable, 'stackTable', {
    frame: index(length('frameTable')),
    prefix: or(is(null), index(length('stackTable'))),
  });
  const prefixes = list(object(shared.stackTable, 'stackTable').prefix, 'prefix') as (number | null)[];
  expect(
    prefixes.every((prefix, i) => prefix === null || prefix < i),
    'a stack stands before its caller',
  );
  for (const [i, value] of list(profile.threads, 'threads').entries()) {
    const thread = object(value, `threads[${i}]`);
    for (const name of ['name', 'pid', 'processType']) expect(text(thread[name]), `threads[${i}].${name} is no text`);
    expect(or(number, text)(thread.tid), `threads[${i}].tid is neither number nor text`);
    for (const name of ['processStartupTime', 'registerTime'])
      expect(number(thread[name]), `threads[${i}].${name} is no number`);
    for (const name of ['processShutdownTime', 'unregisterTime'])
      expect(or(is(null), number)(thread[name]), `threads[${i}].${name} is there`);
    expect(truth(thread.isMainThread), `threads[${i}].isMainThread is no truth value`);
    list(thread.pausedRanges, `threads[${i}].pausedRanges`);
    const samples = object(thread.samples, `threads[${i}].samples`);
    table(samples, `threads[${i}].samples`, { stack: or(is(null), index(stacks)), time: number, weight: number });
    expect(
      ['samples', 'tracing-ms', 'bytes'].includes(samples.weightType as string),
      `threads[${i}].samples.weightType`,
    );
    const times = list(samples.time, 'time') as number[];
    expect(
      times.every((at, k) => k === 0 || at >= times[k - 1]),
      `threads[${i}].samples.time goes back`,
    );
    const markers = {
      data: is(null),
      name: string,
      startTime: number,
      endTime: number,
      phase: index(4),
      category: number,
    };
    table(thread.markers, `threads[${i}].markers`, markers);
  }
  return wrong;
}
