// Entry of a symbolization worker (bundle: dist/symbolizeWorker.js). Gives up all capabilities of its thread, then
// answers one request after another: parses what the main thread opened. Started and ended by pool/pool.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../bytes/cursor';
import { DiskCache } from '../bytes/diskCache';
import { BufferSource, dropPages, FileSource } from '../bytes/source';
import { checkBuild } from '../elf/buildCheck';
import { chooseDebugFile } from '../elf/debugCandidates';
import { ElfFile } from '../elf/parser';
import { dropAllCapabilities } from '../privilege/capabilities';
import { giveMemoryBack } from '../workers/rest';
import { isLoaded } from '../workers/thread';
import { elfOpener } from './dwarf/opener';
import { FileSymbols, hasLineTable } from './fileSymbols';
import { JitResolvers } from './jit';
import { readKallsyms } from './kernel/parser';
import type { KernelTable } from './kernel/types';
import { textPieces } from './movedText';
import type { Place } from './place';
import type { FileTask, Reply, Request, Task, WorkerSettings } from './pool/messages';
import { arraysOfPlaces, packPlaces } from './pool/packedPlaces';

dropAllCapabilities();
isLoaded();
const settings = workerData as WorkerSettings;
const cache = settings.cacheDir === null ? null : DiskCache.open(settings.cacheDir);
const files = new Map<number, FileSymbols>();
const jit = new JitResolvers();
/** Ids of inflated sections, apart from those of the main thread's files. */
let lastOwnId = 0;
const nextFileId = () => --lastOwnId;

type Answer = Omit<Extract<Reply, { ok: true }>, 'sequence' | 'ok' | 'places'> & { places: Place[][] };
const nothing: Answer = { description: null, places: [], order: null, kernelTable: null, text: [], problems: [] };

async function answer(task: Task): Promise<Answer> {
  switch (task.kind) {
    case 'describe': {
      const elf = ElfFile.parse(new FileSource(task.file.id, task.file.fd, task.file.sizeBytes));
      const wantsDebugFile = !hasLineTable(elf);
      return { ...nothing, description: { buildId: elf.buildId, debugLink: elf.debugLink(), wantsDebugFile } };
    }
    case 'text': {
      const elf = ElfFile.parse(new FileSource(task.file.id, task.file.fd, task.file.sizeBytes));
      return { ...nothing, text: textPieces(elf, task.anchor, task.ranges) };
    }
    case 'symbolize':
    case 'addresses': {
      const symbols = await symbolsFor(task);
      const places: Place[][] = new Array(task.positions.length);
      const addresses = addressesOf(task, symbols);
      for (const i of symbols.orderOf(addresses)) places[i] = symbols.placesAt(addresses[i]);
      keepWithinBudget();
      return { ...nothing, places, problems: [...symbols.problems] };
    }
    case 'order': {
      const symbols = await symbolsFor(task.of);
      return { ...nothing, order: symbols.orderOf(addressesOf(task.of, symbols)) };
    }
    case 'image': {
      const elf = ElfFile.parse(new BufferSource(Buffer.from(task.bytes)));
      const symbols = await FileSymbols.open(elf, null, { cache: null, descriptors: [], memoryBytes: 0, nextFileId });
      return { ...nothing, places: Array.from(task.positions, (offset) => symbols.placesOf(offset)) };
    }
    case 'jit':
      return { ...nothing, ...jit.answer(task.sources, task.positions) };
    case 'kernel': {
      const kernelTable = readKallsyms(task.fd);
      const problems = kernelTable ? [] : ['the kernel hides its addresses (kernel.kptr_restrict)'];
      return { ...nothing, problems, kernelTable };
    }
    case 'forget':
      for (const id of task.ids) forget(id);
      return nothing;
    case 'rest':
      giveMemoryBack();
      return nothing;
  }
}

function addressesOf({ kind, positions }: FileTask, symbols: FileSymbols): Float64Array {
  return kind === 'addresses' ? positions : positions.map((offset) => symbols.addressOf(offset));
}

/** What 'addresses' leaves out. */
const NO_PROCESS = { rootPrefix: '', expectedBuildId: null };

/** The file becomes the one used last. */
async function symbolsFor(task: FileTask): Promise<FileSymbols> {
  const symbols = files.get(task.file.id) ?? (await openFile({ ...NO_PROCESS, ...task }));
  files.delete(task.file.id);
  files.set(task.file.id, symbols);
  return symbols;
}

async function openFile(task: Omit<Extract<Task, { kind: 'symbolize' }>, 'kind'>): Promise<FileSymbols> {
  const elf = ElfFile.parse(new FileSource(task.file.id, task.file.fd, task.file.sizeBytes));
  checkBuild(elf, task.expectedBuildId);
  const { debug, path: debugPath, problem } = chooseDebugFile(elf, task.debug);
  const { rootPrefix } = task;
  const spill = { cache, descriptors: [], memoryBytes: 0, nextFileId };
  const symbols = await FileSymbols.open(elf, debug, spill, {
    opener: elfOpener(new Set([rootPrefix, '']), nextFileId),
    path: task.file.path,
    debugPaths:
      debugPath === null ? [] : [debugPath.startsWith(rootPrefix) ? debugPath.slice(rootPrefix.length) : debugPath],
  });
  if (problem) symbols.problems.add(problem);
  return symbols;
}

/** Forgets the files used longest ago until the rest fits; the one in use is the youngest. */
function keepWithinBudget(): void {
  let held = 0;
  for (const file of files.values()) held += file.sizeBytes;
  for (const [id, file] of files) {
    if (held <= settings.arrayBudgetBytes || files.size === 1) break;
    held -= file.sizeBytes;
    forget(id);
  }
}

function forget(id: number): void {
  files.get(id)?.close();
  files.delete(id);
  jit.forget(id);
  dropPages(id);
}

/** What a reply hands over instead of copying it. */
function arraysOf(table: KernelTable): ArrayBuffer[] {
  return [table.starts, table.textOffsets, table.textBytes, table.texts].map(({ buffer }) => buffer as ArrayBuffer);
}

let queue: Promise<void> = Promise.resolve();
parentPort!.on('message', ({ sequence, task }: Request) => {
  queue = queue.then(async () => {
    let reply: Reply;
    let handedOver: ArrayBuffer[] = [];
    try {
      const found = await answer(task);
      const places = packPlaces(found.places);
      reply = { sequence, ok: true, ...found, places };
      handedOver = [...arraysOfPlaces(places), ...(found.kernelTable ? arraysOf(found.kernelTable) : [])];
    } catch (error) {
      reply = { sequence, ok: false, why: messageOf(error) };
    }
    parentPort!.postMessage(reply, handedOver);
  });
});
