// Damages bytes at random, always the same way for the same seed, and runs a parser over what comes out: counts, slowest
// input, most memory. Any parser can be fuzzed with it (helper/test/golden/fuzz/targets.ts lists those that are).
//
// What it does to a copy of a real file or section: flips bits, writes numbers that parsers trip over (0, -1, the size, just
// beyond it), makes LEB128 numbers run on, moves, repeats, cuts out and cuts off pieces, and mixes two files.

import { getHeapStatistics } from 'node:v8';

/** Whole numbers from a seed: the same ones on every machine (a 32-bit xorshift; Marsaglia, "Xorshift RNGs", 2003). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }
}

/** The same as numbers from 0 on, below 1. */
export function randomFrom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.below(2 ** 32) / 2 ** 32;
}

const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];

/** A damaged copy of `bytes`. `other`: where foreign pieces come from. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let copy: Buffer = Buffer.from(bytes);
  // Mostly few wounds, so that a parser gets past the first check; sometimes many.
  for (let wounds = 1 + random.below(random.below(8) === 0 ? 64 : 6); wounds > 0 && copy.length > 0; wounds--)
    copy = wound(copy, other, random);
  return copy;
}

function wound(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  switch (random.below(12)) {
    case 0:
    case 1:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 2:
      bytes[at] = random.below(256);
      return bytes;
    case 3:
      bytes[at] = (bytes[at] + 1 - 2 * random.below(2)) & 0xff;
      return bytes;
    case 4:
    case 5: {
      // A number of one, two, four or eight bytes, aligned as numbers in headers are.
      const size = 1 << random.below(4);
      const place = at - (at % size);
      const near = bytes.length + random.below(3) - 1;
      const value = random.below(4) === 0 ? near : NUMBERS[random.below(NUMBERS.length)];
      if (place + size > bytes.length) return bytes;
      bytes.writeUIntLE(value % 2 ** Math.min(8 * size, 32), place, Math.min(size, 4));
      if (size === 8) bytes.writeUInt32LE(value > 0x7fffffff && random.below(2) === 0 ? 0xffffffff : 0, place + 4);
      return bytes;
    }
    case 6:
      bytes.fill(0x80 | random.below(128), at, Math.min(bytes.length, at + 1 + random.below(12)));
      return bytes;
    case 7: {
      const lengthBytes = 1 + random.below(64);
      bytes.copy(bytes, random.below(bytes.length), at, at + lengthBytes);
      return bytes;
    }
    case 8:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]);
    case 9: {
      const lengthBytes = 1 + random.below(64);
      return Buffer.concat([bytes.subarray(0, at + lengthBytes), bytes.subarray(at)]);
    }
    case 10: {
      if (other.length === 0) return bytes;
      const from = random.below(other.length);
      other.copy(bytes, at, from, from + 1 + random.below(256));
      return bytes;
    }
    default:
      return random.below(8) === 0 ? bytes.subarray(0, at) : bytes;
  }
}

export interface FuzzTarget {
  name: string;
  /** What is damaged; at least one. Undamaged none of them is refused, and one at least gives something. */
  seeds: Buffer[];
  /** Parses; gives how much was found (rows, names, lines); throws what it throws. */
  run(input: Buffer): number | Promise<number>;
  /** May it throw this? */
  expects(error: unknown): boolean;
}

export interface FuzzLimits {
  /** CPU time of one input. */
  inputMs: number;
  /** Memory that one input may take: heap and ArrayBuffers together. */
  memoryBytes: number;
}

export interface FuzzResult {
  inputs: number;
  /** Inputs that the parser refused by an error that it is expected to throw. */
  refused: number;
  /** Inputs that were not refused, but in which nothing was found. */
  empty: number;
  slowestMs: number;
  mostBytes: number;
  /** What must not be, in words, with the number of the input. */
  failures: string[];
}

const MAX_FAILURES = 5;

/** Input `number` of a run with `seed`: can be made again alone. */
export function inputOf(target: FuzzTarget, seed: number, number: number): Buffer {
  const random = new Random(seed * 1_000_003 + number);
  const { seeds } = target;
  return mutate(seeds[random.below(seeds.length)], seeds[random.below(seeds.length)], random);
}

/**
 * Runs inputs `first` to `first + count - 1`. `progress` is told the number of the input that comes next. Rejects where a seed
 * is refused as it is, or nothing is found in any: then hardly anything would be tested.
 */
export async function fuzz(
  target: FuzzTarget,
  seed: number,
  first: number,
  count: number,
  limits: FuzzLimits,
  progress: (number: number) => void = () => {},
): Promise<FuzzResult> {
  const result: FuzzResult = { inputs: 0, refused: 0, empty: 0, slowestMs: 0, mostBytes: 0, failures: [] };
  const fail = (number: number, text: string) =>
    result.failures.push(`${target.name}, seed ${seed}, input ${number}: ${text}`);
  let foundUndamaged = 0;
  for (const seedBytes of target.seeds) foundUndamaged += await target.run(Buffer.from(seedBytes));
  if (foundUndamaged === 0) throw new Error(`${target.name}: nothing is found in what is not damaged`);
  for (let number = first; number < first + count && result.failures.length < MAX_FAILURES; number++) {
    progress(number);
    const input = inputOf(target, seed, number);
    const bytesBefore = usedBytes();
    const startedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    try {
      if ((await target.run(input)) === 0) result.empty++;
    } catch (error) {
      if (!target.expects(error)) fail(number, String((error as Error)?.stack ?? error));
      result.refused++;
    }
    let elapsedMs = performance.now() - startedMs;
    // Others may have had the CPU meanwhile.
    const { user, system } = process.cpuUsage(cpuBefore);
    elapsedMs = Math.min(elapsedMs, (user + system) / 1_000);
    if (elapsedMs > limits.inputMs) fail(number, `took ${Math.round(elapsedMs)} ms`);
    // What was freed meanwhile only makes it less: garbage of an input is collected after it as a rule.
    const bytes = usedBytes() - bytesBefore;
    if (bytes > limits.memoryBytes) fail(number, `took ${bytes} bytes`);
    result.slowestMs = Math.max(result.slowestMs, elapsedMs);
    result.mostBytes = Math.max(result.mostBytes, bytes);
    result.inputs++;
  }
  return result;
}

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
