// Sources of programs most of whose functions the linker throws away. Each function stands on lines of its own, so that the name
// and the lines of every living address are known by construction, whatever a tool says.

/** What may be said of an address inside a living function. */
export interface Truth {
  /** Base name of the file that has the function; null: compiled without debug information. */
  file: string | null;
  /** First and last line of the function. */
  lines: [number, number];
}

export interface Source {
  name: string;
  text: string;
  /** Sections of its own for each function: thrown away one by one, else all of the file together. */
  splitsFunctions: boolean;
  hasDebugInformation: boolean;
}

export interface Sources {
  files: Source[];
  /** By name of the function. */
  living: Map<string, Truth>;
  /** Base name of the file, first and last line of the function that is inlined into living ones. */
  inlined: Map<string, [number, number]>;
}

/** Called from outside; everything else lives only if this calls it. */
export const ROOT = 'live_root';
/** Part of the name of each function that nobody calls. */
export const DEAD = 'dead';

const FUNCTIONS = 12;
const HEADER = [
  'extern volatile unsigned sink;',
  '#define OWN __attribute__((noinline)) void',
  '#define INTO static inline __attribute__((always_inline)) void',
];

class Text {
  readonly lines: string[] = [];

  constructor(readonly name: string) {}

  add(...lines: string[]): [number, number] {
    const first = this.lines.length + 1;
    this.lines.push(...lines);
    return [first, this.lines.length];
  }

  /** Code of the same size for the same `steps`, whatever the name and the number. */
  function(name: string, inlined: string, number: number, steps: number): [number, number] {
    const body = Array.from({ length: steps }, (_, i) => `  sink += ${1_000_000 + number * 1000 + i};`);
    return this.add(`OWN ${name}(unsigned n) {`, `  ${inlined}(n);`, ...body, '}');
  }
}

/** Living functions and dead ones of the same sizes in turns, as in a unit of which some functions are used. */
function mixed(name: string, prefix: string, living: Map<string, Truth>, hasDebugInformation: boolean, dead: boolean) {
  const text = new Text(name);
  text.add(...HEADER);
  const into = text.add(`INTO ${prefix}_into(unsigned n) {`, '  sink += n;', '  sink ^= n;', '}');
  if (dead) text.add(`INTO ${DEAD}_${prefix}_into(unsigned n) {`, '  sink += n;', '  sink ^= n;', '}');
  for (let k = 0; k < FUNCTIONS; k++) {
    const steps = 2 + (k % 5) * 3;
    const twin = () => dead && text.function(`${DEAD}_${prefix}_${k}`, `${DEAD}_${prefix}_into`, 100 + k, steps);
    if (k % 2 === 0) twin();
    const lines = text.function(`${prefix}_${k}`, `${prefix}_into`, k, steps);
    living.set(`${prefix}_${k}`, { file: hasDebugInformation ? name : null, lines });
    if (k % 2 === 1) twin();
  }
  return { text, into };
}

function onlyDead(name: string, prefix: string): Text {
  const text = new Text(name);
  text.add(...HEADER);
  text.add(`INTO ${DEAD}_${prefix}_into(unsigned n) {`, '  sink += n;', '  sink ^= n;', '}');
  for (let k = 0; k < FUNCTIONS; k++)
    text.function(`${DEAD}_${prefix}_${k}`, `${DEAD}_${prefix}_into`, k, 2 + (k % 5) * 3);
  // Ends inside the living code, at its end or far behind it.
  for (const count of [25, 40, 60, 100, 140, 900]) {
    const calls = Array.from({ length: count }, (_, i) => `  ${DEAD}_${prefix}_into(n + ${i});`);
    text.add(`OWN ${DEAD}_${prefix}_big${count}(unsigned n) {`, ...calls, '}');
  }
  return text;
}

export function makeSources(): Sources {
  const living = new Map<string, Truth>();
  const inlined = new Map<string, [number, number]>();
  const files: Source[] = [];
  const add = (text: Text, splitsFunctions: boolean, hasDebugInformation = true) =>
    files.push({ name: text.name, text: `${text.lines.join('\n')}\n`, splitsFunctions, hasDebugInformation });

  add(onlyDead('dead_first.c', 'first'), true);
  add(onlyDead('dead_whole.c', 'whole'), false);
  const both = mixed('both.c', 'some', living, true, true);
  inlined.set('both.c', both.into);
  add(both.text, true);
  add(mixed('plain.c', 'plain', living, false, false).text, false, false);
  const whole = mixed('whole.c', 'all', living, true, false);
  inlined.set('whole.c', whole.into);
  add(whole.text, false);
  add(onlyDead('dead_last.c', 'last'), true);

  const root = new Text('root.c');
  root.add('volatile unsigned sink;', `void ${ROOT}(unsigned);`, ...HEADER);
  const names = [...living.keys()];
  root.add(...names.map((name) => `void ${name}(unsigned);`));
  const lines = root.add(`OWN ${ROOT}(unsigned n) {`, ...names.map((name) => `  ${name}(n);`), '}');
  living.set(ROOT, { file: 'root.c', lines });
  add(root, true);
  return { files, living, inlined };
}
