// Source maps as the main thread sees them: it asks for places and gets promises, a thread reads the maps. What was answered is kept;
// a map that cannot be used is asked for once, and its reason told once.

import type { Worker } from 'node:worker_threads';
import { endThread, startThread, workerFile } from '../../workers/thread';
import { trimMemory } from '../../workers/trim';
import { IDLE_MS, MAX_ANSWERS, MAX_SCRIPTS, REQUEST_MS, WORKER_HEAP_MIB } from './limits';
import type { CompiledPlace, MappedScript, MapReply, MapRequest, OriginalPlace } from './types';

export type { CompiledPlace, MappedScript, OriginalPlace };

interface KnownScript {
  key: number;
  script: MappedScript;
  /** The thread that has its map. */
  heldBy: Worker | null;
  answers: Map<string, OriginalPlace | null>;
  /** Not sent yet: they go together. */
  waiting: { place: CompiledPlace; resolve: (original: OriginalPlace | null) => void }[];
  /** Why its map gives nothing; null: it may. */
  unusable: string | null;
}

interface Batch {
  known: KnownScript;
  asked: KnownScript['waiting'];
}

export class SourceMaps {
  private readonly scripts = new Map<string, KnownScript>();
  private readonly queue: KnownScript[] = [];
  private worker: Worker | null = null;
  private current: Batch | null = null;
  private sequence = 0;
  private lastKey = 0;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(private readonly requestMs = REQUEST_MS) {}

  /** At once where it was asked before. Never rejects: null where the compiled place is the best there is. */
  originalOf(script: MappedScript, place: CompiledPlace): OriginalPlace | null | Promise<OriginalPlace | null> {
    const known = this.known(script);
    const answer = known.answers.get(keyOf(place));
    if (answer !== undefined) return answer;
    if (known.unusable !== null || this.closed) return null;
    return new Promise((resolve) => {
      known.waiting.push({ place, resolve });
      if (known.waiting.length === 1) {
        this.queue.push(known);
        // Those of one drained ring come in the same turn.
        setImmediate(() => this.next());
      }
    });
  }

  /** A plain sentence, where the script's map turned out to be unusable. */
  problemOf(script: MappedScript): string | null {
    return this.scripts.get(keyOfScript(script))?.unusable ?? null;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const known of this.queue.splice(0)) for (const { resolve } of known.waiting.splice(0)) resolve(null);
    await this.drop(null);
  }

  private known(script: MappedScript): KnownScript {
    const key = keyOfScript(script);
    let known = this.scripts.get(key);
    if (!known) {
      if (this.scripts.size >= MAX_SCRIPTS) this.scripts.delete(this.scripts.keys().next().value!);
      known = { key: ++this.lastKey, script, heldBy: null, answers: new Map(), waiting: [], unusable: null };
      this.scripts.set(key, known);
    }
    return known;
  }

  private next(): void {
    if (this.current || this.closed) return;
    const known = this.queue.shift();
    if (!known) {
      this.rest();
      return;
    }
    this.send(known, known.waiting.splice(0));
  }

  private send(known: KnownScript, asked: KnownScript['waiting']): void {
    const places = new Float64Array(asked.length * 4);
    asked.forEach(({ place }, i) => {
      places.set([place.line, place.column, place.nameLine ?? Number.NaN, place.nameColumn ?? Number.NaN], i * 4);
    });
    this.current = { known, asked };
    this.worker ??= this.start();
    this.worker.ref();
    this.arm(this.requestMs, () => void this.drop('takes too long to read'));
    const script = known.heldBy === this.worker ? null : known.script;
    known.heldBy = this.worker;
    const request: MapRequest = { sequence: ++this.sequence, key: known.key, script, places };
    this.worker.postMessage(request, [places.buffer]);
  }

  private rest(): void {
    this.worker?.unref();
    this.arm(IDLE_MS, () => void this.drop(null));
    this.timer?.unref();
  }

  private start(): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: WORKER_HEAP_MIB };
    const worker = startThread<MapReply>(workerFile(__dirname, 'sourceMapWorker.js'), { resourceLimits }, (reply) => {
      if (worker !== this.worker || !this.current || reply.sequence !== this.sequence) return;
      const batch = this.current;
      this.current = null;
      if (!reply.ok && reply.again) {
        batch.known.heldBy = null;
        this.send(batch.known, batch.asked);
        return;
      }
      if (reply.ok) this.answer(batch, reply.originals);
      else if (!reply.again) this.fail(batch, reply.why);
      this.next();
    });
    worker.on('error', () => worker === this.worker && void this.drop('needs too much memory'));
    worker.on('exit', () => worker === this.worker && void this.drop('could not be read'));
    return worker;
  }

  private answer({ known, asked }: Batch, originals: (OriginalPlace | null)[]): void {
    if (known.answers.size + asked.length > MAX_ANSWERS) known.answers.clear();
    asked.forEach(({ place, resolve }, i) => {
      const original = originals[i] ?? null;
      known.answers.set(keyOf(place), original);
      resolve(original);
    });
  }

  private fail({ known, asked }: Batch, why: string): void {
    known.unusable = `its source map ${why}`;
    for (const { resolve } of [...asked, ...known.waiting.splice(0)]) resolve(null);
  }

  /** Ends the thread; the request in hand, should there be one, has failed. */
  private async drop(why: string | null): Promise<void> {
    const { worker, current } = this;
    this.worker = null;
    this.current = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (current && why !== null) this.fail(current, why);
    else if (current) for (const { resolve } of current.asked) resolve(null);
    if (this.queue.length > 0) this.next();
    if (worker) await endThread(worker).then(trimMemory);
  }

  private arm(delayMs: number, action: () => void): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(action, delayMs);
  }
}

/** A map within the URL may be megabytes. */
function keyOfScript({ rootPrefix, scriptName, mapUrl }: MappedScript): string {
  return `${rootPrefix}\0${scriptName}\0${mapUrl.length}\0${mapUrl.slice(-1_024)}`;
}

function keyOf({ line, column, nameLine, nameColumn }: CompiledPlace): string {
  return `${line}:${column}:${nameLine ?? ''}:${nameColumn ?? ''}`;
}
