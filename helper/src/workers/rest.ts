// What a worker does between two bursts of work. V8 by itself leaves the garbage of a burst where it is until there is more: some
// 15 MB of young objects, and as much in buffers, that nobody needs for hours.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { releaseReadMemory } from '../bytes/source';
import { WORTH_COLLECTING_BYTES } from './limits';
import { trimMemory } from './trim';

/** Until V8's threads have freed the buffers of a collection. */
const FREED_MS = 100;

let collect: (() => void) | null = null;
/** What was left after the last collection, of objects and of buffers. */
const kept = { heapBytes: 0, bufferBytes: 0 };

/** Nothing happens where little came since the last time: a collection takes some 10 to 30 ms. */
export function giveMemoryBack(): void {
  const before = held();
  const grownBytes = before.heapBytes - kept.heapBytes + (before.bufferBytes - kept.bufferBytes);
  if (grownBytes < WORTH_COLLECTING_BYTES) return;
  releaseReadMemory();
  collect ??= garbageCollector();
  collect();
  kept.heapBytes = held().heapBytes;
  setTimeout(() => {
    kept.bufferBytes = held().bufferBytes;
    trimMemory();
  }, FREED_MS);
}

function held(): { heapBytes: number; bufferBytes: number } {
  const { total_heap_size, external_memory } = getHeapStatistics();
  return { heapBytes: total_heap_size, bufferBytes: external_memory };
}

/** V8's own, which JavaScript sees only in contexts that are made while this switch is on. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return gc;
}
