// Frames of CPython processes read from outside, against what the same process tells of itself (sys._current_frames()): each
// thread's every frame, by qualified name, file and line. For every version that this machine has, or that can be had.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { findThreadSlot } from '../../src/runtimes/python/threadSlot';
import { readPointer } from '../../src/runtimes/python/threads';
import { readStacks, type Told } from '../unit/python/readStacks';
import { interpreters } from './python/interpreters';
import { ChildMemory, mappedPython } from './python/processMemory';

const PROGRAM = join(__dirname, '../../../../../helper/test/golden/python/parked.py');
const BESIDE = join(__dirname, '../../../../../helper/test/golden/python/told.py');

describe('Python frames, against what the process tells of itself', function () {
  this.timeout(60_000);
  for (const interpreter of interpreters(process.env.MATRIX === '1'))
    it(interpreter.name, async function () {
      const missing = interpreter.missing();
      if (missing !== null) {
        console.log(`      skipped: ${missing}`);
        this.skip();
      }
      const [program, ...rest] = interpreter.command(PROGRAM, BESIDE);
      const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        compare(child, JSON.parse(await firstLine(child)) as Told);
      } finally {
        child.kill('SIGKILL');
      }
    });
});

function compare(child: ChildProcess, told: Told): void {
  const pid = child.pid as number;
  const mapped = mappedPython(pid);
  assert.ok(mapped, 'the interpreter is recognized');
  const { image, bias } = mapped;
  assert.ok(image.evaluation.length > 0, 'the evaluation loop is found');
  assert.equal(image.versionHex, told.version);
  const memory = new ChildMemory(pid);
  try {
    const { threads, slot } = readStacks(memory, image, bias);
    const parked = threads.filter(({ threadId }) => told.threads[threadId]);
    assert.equal(parked.length, Object.keys(told.threads).length);
    for (const { threadId, frames } of parked) assert.deepEqual(frames, told.threads[threadId]);
    assert.ok(slot && !slot.ambiguous, 'one place of the state pointer');
    for (const { threadId, address } of threads) assert.equal(readPointer(memory, threadId + slot.offset), address);
    const states = threads.map((thread) => ({ ...thread, interpreter: 0, nativeThreadId: null }));
    assert.deepEqual(findThreadSlot(memory, states, null), slot, 'the same by value alone');
  } finally {
    memory.close();
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('exit', (code) => reject(new Error(`ended with ${code}`)));
    child.on('error', reject);
  });
}
