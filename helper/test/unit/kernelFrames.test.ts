// Kernel stacks: names by function, at once when the table is there, and asked for once.

import assert from 'node:assert/strict';
import type { Frame } from '../../src/runtimes/frame';
import { KernelFrames } from '../../src/symbolize/kernel/frames';
import type { KernelTable } from '../../src/symbolize/kernel/types';
import { PendingStack } from '../../src/symbolize/pendingStack';

/** Functions of 256 bytes, one behind the other, from the start of the kernel's text. */
const TEXT_START = -2_130_706_432;
function tableOf(...texts: string[]): KernelTable {
  return {
    starts: Float64Array.from(texts, (_, i) => TEXT_START + 256 * i),
    textOffsets: Uint32Array.from(texts, (_, i) => texts.slice(0, i).join('').length),
    textBytes: Uint16Array.from(texts, (text) => text.length),
    texts: new TextEncoder().encode(texts.join('')),
  };
}

function asking(kernel: KernelFrames, ...addresses: number[]): Frame[][] | Promise<Frame[][]> {
  const stack = new PendingStack(addresses.length);
  addresses.forEach((address, i) => {
    kernel.ask(address, stack, i);
  });
  return stack.result();
}
const names = (frames: Frame[][]) => frames.map(([{ name }]) => name);

describe('kernel frames', () => {
  it('come with the table, which is read once for all who ask meanwhile', async () => {
    let reads = 0;
    const kernel = new KernelFrames(async () => {
      reads++;
      return tableOf('do_idle', 'ext4_read\t[ext4]', 'drop\t[rust]\tcore::ptr::drop');
    });
    const [first, second] = await Promise.all([
      asking(kernel, TEXT_START + 4, TEXT_START + 300),
      asking(kernel, TEXT_START + 600),
    ]);
    assert.deepEqual(names(first), ['do_idle', 'ext4_read']);
    assert.deepEqual([first[0][0].module, first[1][0].module], ['[kernel]', '[ext4]']);
    assert.equal(second[0][0].fullName, 'core::ptr::drop');
    assert.equal(reads, 1);
  });

  it('are the same objects for all of a function, without a promise', async () => {
    const kernel = new KernelFrames(async () => tableOf('do_idle', 'schedule'));
    await asking(kernel, TEXT_START);
    const frames = asking(kernel, TEXT_START + 1, TEXT_START + 255, TEXT_START + 256);
    assert.ok(Array.isArray(frames));
    assert.equal(frames[0], frames[1]);
    assert.deepEqual(names(frames), ['do_idle', 'do_idle', 'schedule']);
  });

  it('say the address where no function is, or the kernel hides them', async () => {
    const hidden = new KernelFrames(async () => null);
    assert.deepEqual(names(await asking(hidden, TEXT_START)), ['[kernel]+0xffffffff81000000']);
    const kernel = new KernelFrames(async () => tableOf('do_idle'));
    const frames = await asking(kernel, TEXT_START - 1, TEXT_START + 2 ** 21);
    assert.deepEqual(names(frames), ['[kernel]+0xffffffff80ffffff', '[kernel]+0xffffffff81200000']);
    assert.equal(frames[0][0].symbolized, false);
  });

  it('are those of a new table after the old one was let go', async () => {
    const tables = [tableOf('old'), tableOf('new')];
    const kernel = new KernelFrames(async () => tables.shift()!);
    assert.deepEqual(names(await asking(kernel, TEXT_START)), ['old']);
    kernel.forget();
    assert.deepEqual(names(await asking(kernel, TEXT_START)), ['new']);
  });
});
