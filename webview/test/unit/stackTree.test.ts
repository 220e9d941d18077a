// The prefix tree and what the tables read from it, on stacks small enough to count by hand.
import { deepStrictEqual, strictEqual } from 'node:assert';
import {
  buildStackTree,
  type CallNode,
  callees,
  callers,
  distinctStacks,
  functionWeights,
  hasChildren,
  heaviestPath,
  mergedNeighbours,
} from '../../src/stackTree';

const profile = {
  stacks: [[0, 1, 2], [0, 1, 2], [0, 1], [0, 3], [], [0, 1, 1, 2], [4]],
  weights: [10, 20, 5, 7, 3, 11, 2],
};
const brief = (rows: CallNode[]) => rows.map(({ frame, self, total }) => [frame, self, total]);

describe('stack tree', () => {
  const tree = buildStackTree(profile);

  it('counts self at the end of a stack and total once a sample, also for recursion', () => {
    const { self, total } = functionWeights(tree, 5);
    deepStrictEqual([...self], [0, 5, 41, 7, 2]);
    deepStrictEqual([...total], [53, 46, 41, 7, 2]);
  });

  it('leaves idle time (empty stacks) out of the whole', () => strictEqual(tree.totalWeight, 55));

  it('lists callees heaviest first', () => {
    const roots = callees(tree, null);
    deepStrictEqual(brief(roots), [
      [0, 0, 53],
      [4, 2, 2],
    ]);
    deepStrictEqual(brief(callees(tree, roots[0])), [
      [1, 5, 46],
      [3, 7, 7],
    ]);
    strictEqual(hasChildren(tree, roots[1], 'callees'), false);
  });

  it('lists callers with the part of the self time that came through them', () => {
    const hottest = callers(tree, null)[0];
    deepStrictEqual([hottest.frame, hottest.self, hottest.total], [2, 41, 41]);
    const [caller] = callers(tree, hottest);
    deepStrictEqual([caller.frame, caller.self, caller.total], [1, 0, 41]);
    deepStrictEqual(brief(callers(tree, caller)), [
      [0, 0, 30],
      [1, 0, 11],
    ]);
  });

  it('gives every distinct stack once', () => {
    const { stacks, weights } = distinctStacks(tree);
    deepStrictEqual(stacks.map((stack, i) => `${stack.join()}: ${weights[i]}`).sort(), [
      '0,1,1,2: 11',
      '0,1,2: 30',
      '0,1: 5',
      '0,3: 7',
      '4: 2',
    ]);
  });

  it('merges equal neighbours only', () => {
    deepStrictEqual(mergedNeighbours({ stacks: [[1, 2], [1, 2], [1], [1, 2]], weights: [1, 2, 3, 4] }), {
      stacks: [[1, 2], [1], [1, 2]],
      weights: [3, 3, 4],
    });
  });

  it('finds the way to the heaviest call of a function', () => {
    deepStrictEqual(heaviestPath(tree, 2), [0, 1, 2]);
    deepStrictEqual(heaviestPath(tree, 9), []);
  });

  it('agrees with counting sample by sample on thousands of nodes', () => {
    const stacks = Array.from({ length: 5000 }, (_, i) =>
      Array.from({ length: 1 + (i % 23) }, (_, depth) => (i * 31 + depth * depth * 7) % 97),
    );
    const weights = stacks.map((_, i) => 1 + (i % 3));
    const self = new Array(97).fill(0);
    const total = new Array(97).fill(0);
    stacks.forEach((stack, i) => {
      self[stack[stack.length - 1]] += weights[i];
      for (const frame of new Set(stack)) total[frame] += weights[i];
    });
    const found = functionWeights(buildStackTree({ stacks, weights }), 97);
    deepStrictEqual([...found.self], self);
    deepStrictEqual([...found.total], total);
  });
});
