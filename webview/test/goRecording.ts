// A recording of a little Go server, small enough to count by hand: 200 samples, of them 90 of goroutine 8, 40 of 17, 20 of the
// main one, 10 of one whose stacks were cut off, 25 of others, 15 of none.
import type { RecordingExtra, RecordingFile } from '../../helper/src/protocol';
import { fixtureRecording } from './fixtureRecording';

const SRC = '/home/dev/shop';
const FRAMES: [name: string, file?: string, line?: number][] = [
  ['runtime.goexit', '/usr/local/go/src/runtime/asm_amd64.s', 1264],
  ['main.main.gowrap1', `${SRC}/main.go`, 20],
  ['main.sorter', `${SRC}/sort.go`, 13],
  ['slices.partitionOrdered[go.shape.int]', '/usr/local/go/src/slices/zsortordered.go', 137],
  ['http.(*conn).serve', '/usr/local/go/src/net/http/server.go', 1920],
  ['main.(*shop).handle (inlined)', `${SRC}/shop.go`, 31],
  ['runtime.main', '/usr/local/go/src/runtime/proc.go', 150],
  ['main.main', `${SRC}/main.go`, 9],
  ['[truncated: too deep]'],
  ['runtime.mcall', '/usr/local/go/src/runtime/asm_amd64.s', 425],
  ['tcp_sendmsg'],
];
export const G = { sorter: 2, partition: 3, handle: 5, main: 7 } as const;

/** 0: no goroutine; OTHER: of those without a row. */
const OTHER = -1;
const STACKS: [goroutine: number, samples: number, stack: number[]][] = [
  [8, 80, [0, 1, 2, 3]],
  [8, 10, [0, 1, 2]],
  [17, 25, [0, 4, 5]],
  [17, 15, [0, 4, 5, 10]],
  [1, 20, [0, 6, 7]],
  [33, 10, [8, 5]],
  [OTHER, 25, [0, 4, 5]],
  [0, 15, [9]],
];

type GoRecording = RecordingFile & { ebpfTracer: RecordingExtra };

/** `processes`: 2 gives goroutine 17 to a child process. */
export function goRecording({ processes = 1 } = {}): GoRecording {
  const lineTree: NonNullable<RecordingExtra['lineTree']> = { parent: [], frame: [], line: [] };
  const treeSelf: number[] = [];
  const nodeOf = (stack: readonly number[]): number => {
    if (stack.length === 0) return -1;
    const parent = nodeOf(stack.slice(0, -1));
    const frame = stack[stack.length - 1];
    const known = lineTree.frame.findIndex((one, node) => one === frame && lineTree.parent[node] === parent);
    if (known !== -1) return known;
    lineTree.parent.push(parent);
    lineTree.frame.push(frame);
    lineTree.line.push((FRAMES[frame][2] ?? -2) + 2);
    return treeSelf.push(0) - 1;
  };
  const top = new Map<number, { pid: number; id: number; figure: number; nodes: number[] }>();
  let otherSamples = 0;
  for (const [id, samples, stack] of STACKS) {
    const node = nodeOf(stack);
    treeSelf[node] += samples;
    if (id === OTHER) otherSamples += samples;
    if (id <= 0) continue;
    const row = top.get(id) ?? { pid: processes > 1 && id === 17 ? 4712 : 4711, id, figure: 0, nodes: [] };
    row.figure += samples;
    row.nodes.push(node, samples);
    top.set(id, row);
  }
  const all = STACKS.reduce((sum, [, samples]) => sum + samples, 0);
  const { ebpfTracer, ...file } = fixtureRecording();
  return {
    ...file,
    shared: { frames: FRAMES.map(([name, source, line]) => ({ name, ...(source ? { file: source, line } : {}) })) },
    profiles: [
      {
        type: 'sampled',
        name: 'All threads',
        unit: 'nanoseconds',
        startValue: 0,
        endValue: all * 1e7,
        samples: STACKS.map(([, , stack]) => stack),
        weights: STACKS.map(([, samples]) => samples * 1e7),
      },
    ],
    ebpfTracer: {
      ...ebpfTracer,
      frequencyHz: 100,
      metrics: [
        {
          ...ebpfTracer.metrics[0],
          period: 1e7,
          samples: all,
          total: all,
          functionLines: FRAMES.map(() => []),
          treeSelf,
          contexts: [{ kind: 'goroutine', top: [...top.values()], otherFigure: otherSamples, seen: 24 }],
        },
      ],
      profiles: [{ metric: 0, thread: null }],
      frameDetails: FRAMES.map(() => ({ module: 'shop', kind: 'user' })),
      lineTree,
    },
  };
}
