// Makes the fixtures of helper/test/unit/v8Captured.test.ts: what of a process's memory is read to name its stack, word by word.
//   node out/js/helper/test/golden/v8/capture.js NODE FOLDER

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HeapMemory } from '../../../src/runtimes/v8/heapMemory';
import { imageOf, memoryOf, readStack, startBlocked } from './blockedNode';

const CONSTANTS =
  /^(class_(JSFunction|SharedFunctionInfo|Script|BytecodeArray|Code|DeoptimizationData)__|type_.*__(JS_FUNCTION|SHARED_FUNCTION_INFO|SHARED_FUNCTION_INFO_WRAPPER|SCRIPT|SCOPE_INFO|BYTECODE_ARRAY|CODE|INTERPRETER_DATA|DEBUG_INFO|INSTRUCTION_STREAM|CODE_WRAPPER|BYTECODE_WRAPPER)_TYPE|frametype_|CodeKind|Deoptimization|FirstJSFunction|LastJSFunction|FirstNonstring|TaggedSize|SmiShiftSize)/;

async function main([program, folder]: string[]): Promise<void> {
  const image = imageOf(program);
  const { child, told } = await startBlocked(program, [resolve('helper/test/golden/v8/stacks.js'), 'plain', '300000']);
  try {
    const words = new Map<number, string>();
    const read = memoryOf(child.pid!);
    const note = (address: number, sizeBytes: number) => {
      for (let at = address - (address % 8); at < address + sizeBytes; at += 8)
        if (!words.has(at)) words.set(at, Buffer.from(read(at, 8) ?? []).toString('hex'));
    };
    const stack = readStack(child.pid!, program, image, 'tell');
    // Sources of Node.js itself would be most of it.
    const wanted = stack.asked.slice(0, 10);
    const { u8, u32, bytes } = HeapMemory.prototype;
    HeapMemory.prototype.u8 = function (address) {
      note(address, 1);
      return u8.call(this, address);
    };
    HeapMemory.prototype.u32 = function (address) {
      note(address, 4);
      return u32.call(this, address);
    };
    HeapMemory.prototype.bytes = function (address, sizeBytes) {
      note(address, sizeBytes);
      return bytes.call(this, address, sizeBytes);
    };
    const { Frames } = await import('../../../src/runtimes/v8/frames');
    const { layoutOf } = await import('../../../src/runtimes/v8/layout');
    const layout = layoutOf(image);
    if (typeof layout === 'string') throw new Error(layout);
    const frames = new Frames(read, layout, image.bytecodeSizes);
    const places = wanted.map((one) => frames.resolve(one));
    const constants = Object.fromEntries(Object.entries(image.constants).filter(([name]) => CONSTANTS.test(name)));
    const runs: [string, string][] = [];
    let end = 0;
    for (const [at, hex] of [...words].sort(([a], [b]) => a - b)) {
      if (hex === '') continue;
      if (at === end) runs[runs.length - 1][1] += hex;
      else runs.push([at.toString(16), hex]);
      end = at + 8;
    }
    const fixture = {
      node: image.version,
      v8Version: image.v8Version,
      constants,
      bytecodeSizes: Buffer.from(image.bytecodeSizes ?? []).toString('base64'),
      told: told.slice(0, 24),
      asked: wanted,
      places,
      memory: runs,
    };
    const file = join(folder, `node-${image.version?.split('.')[0]}.json`);
    writeFileSync(file, `${JSON.stringify(fixture)}\n`);
    console.log(file, runs.length, JSON.stringify(fixture).length);
  } finally {
    child.kill('SIGKILL');
  }
}

void main(process.argv.slice(2));
