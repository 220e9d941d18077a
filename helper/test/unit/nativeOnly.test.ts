// Runtimes that cannot be read yet: recognized by what their files define, never by a name; said with the way out; not said where a
// perf map names what they compiled; in the process list as in a recording.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { BufferSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { isNativeOnly, UNREAD_RUNTIMES } from '../../src/process/nativeOnly';
import { RUNTIME_NAME, type RuntimeId, type RuntimeState } from '../../src/protocol';
import { recognizeRuntimes } from '../../src/runtimes';
import { AttachedRuntime, Problems } from '../../src/runtimes/attachedRuntime';
import { NATIVE_ONLY } from '../../src/runtimes/nativeOnly';
import { NATIVE_ONLY_RUNTIMES } from '../../src/runtimes/nativeOnly/table';
import { CODE_ADDRESS, type SectionInput, symbolSections, writeElf } from './symbolize/elfWriter';

const CONSTANTS_ADDRESS = 0x40_5000;

interface Contents {
  defined?: string[];
  /** Of other files. */
  used?: string[];
  sections?: string[];
  constants?: string;
  /** Where the first symbol is. */
  address?: number;
}

function fileWith({ defined = [], used = [], sections = [], constants = '', address }: Contents): ElfFile {
  const names = [...defined, ...used];
  const symbols = names.map((name, i) => ({
    name,
    address: i === 0 && address !== undefined ? address : CODE_ADDRESS,
    sizeBytes: 8,
  }));
  const [code, table, strings] = symbolSections(symbols);
  for (let i = defined.length; i < names.length; i++) table.data.writeUInt16LE(0, 24 * (i + 1) + 6);
  const inputs: SectionInput[] = [
    code,
    { name: '.dynsym', type: 11, data: table.data, link: '.dynstr' },
    { name: '.dynstr', type: 3, data: strings.data },
    { name: '.rodata', type: 1, flags: 2, address: CONSTANTS_ADDRESS, data: Buffer.from(`${constants}\0`) },
    ...sections.map((name) => ({ name, type: 1, data: Buffer.alloc(8) })),
  ];
  return ElfFile.parse(new BufferSource(writeElf(inputs)));
}

const recognized = (contents: Contents) =>
  recognizeRuntimes(fileWith(contents), assert.fail, NATIVE_ONLY).images.map(
    ({ runtime, version }) => `${runtime} ${version}`,
  );

describe('runtimes that cannot be read yet', () => {
  it('are recognized by what a file defines, not by what it uses of others', () => {
    for (const { id, symbols } of NATIVE_ONLY_RUNTIMES)
      for (const name of symbols) {
        assert.deepEqual(recognized({ defined: ['other', name] }), [`${id} null`]);
        assert.deepEqual(recognized({ defined: ['other'], used: [name] }), [], name);
      }
    assert.deepEqual(recognized({ defined: ['main'] }), []);
  });

  it('say their version where the file does, and nothing that is none', () => {
    const ruby = (constants: string, address = CONSTANTS_ADDRESS) =>
      recognized({ defined: ['ruby_version'], constants, address });
    assert.deepEqual(ruby('3.3.5'), ['ruby 3.3.5']);
    assert.deepEqual(ruby('3.3.5\x1b[2J'), ['ruby null']);
    assert.deepEqual(ruby('9'.repeat(5_000)), ['ruby null']);
    assert.deepEqual(ruby('3.3.5', 0x7fff_ffff_ffff), ['ruby null']);
    assert.deepEqual(ruby('3.3.5', CONSTANTS_ADDRESS + 5), ['ruby null']);
  });

  it('that offer Node-API are told apart by their constants, and from Node.js', () => {
    const program = (constants: string, more: Contents = {}) =>
      recognized({ defined: ['napi_create_error', ...(more.defined ?? [])], sections: more.sections, constants });
    const far = 'x'.repeat(4 * 1024 * 1024 - 4);
    assert.deepEqual(program('DENO_DIR…Deno/2.9.6Deno/2.9.6+e518fbd66'), ['deno 2.9.6']);
    assert.deepEqual(program(`${far}DENO_DIR`), ['deno null'], 'where two pieces meet');
    assert.deepEqual(program('BUN_INSTALL Bun v1.4.5 (Linux x64)'), ['bun 1.4.5']);
    assert.deepEqual(program('something else'), []);
    assert.deepEqual(program('DENO_DIR', { defined: ['_ZN4node5StartEiPPc'] }), []);
    assert.deepEqual(recognized({ constants: 'DENO_DIR' }), [], 'a program that only speaks of it');
    assert.deepEqual(recognized({ sections: ['.bun'] }), ['bun null']);
  });

  it('are recognized in the real files of this machine, and only there', function () {
    if (!existsSync('/usr/bin/perl')) {
      console.log('      skipped: needs /usr/bin/perl');
      this.skip();
    }
    const found = (path: string) => {
      const elf = ElfFile.parse(new BufferSource(readFileSync(path)));
      return recognizeRuntimes(elf, assert.fail, NATIVE_ONLY).images.map(({ runtime }) => runtime);
    };
    const library = readFileSync('/proc/self/maps', 'utf8').match(/\/\S*\/libc\.so\.6$/m)?.[0];
    // Debian's perl has the interpreter in itself; elsewhere it is libperl.
    assert.ok(found('/usr/bin/perl').every((runtime) => runtime === 'perl'));
    if (library) assert.deepEqual(found(library), []);
    assert.deepEqual(found(process.execPath), []);
  });

  it('say why and the way out, but not where a perf map names their code, and then for good', () => {
    let named = false;
    for (const plugin of NATIVE_ONLY) {
      named = false;
      const image = { runtime: plugin.id, version: null };
      const process = { pid: 1, memory: null!, code: () => [], changed: () => {}, problem: () => {} };
      const attached = AttachedRuntime.attach(
        plugin,
        process,
        { image, bias: 0, path: '/x' },
        new Problems(),
        () => {},
        () => named,
      );
      const state = attached.state as RuntimeState & { reason: string; fix: string };
      assert.equal(state.status, 'nativeOnly');
      assert.doesNotMatch(state.reason, /\.$/, 'a part of a sentence');
      assert.match(state.fix, /^[A-Z].*\.$/);
      assert.ok(RUNTIME_NAME[plugin.id]);
      named = true;
      assert.deepEqual(attached.state, { status: 'named' });
      named = false;
      assert.deepEqual(attached.state, { status: 'named' }, 'its process has ended');
    }
  });

  it('are the same in the process list', () => {
    assert.deepEqual([...UNREAD_RUNTIMES].sort(), NATIVE_ONLY.map(({ id }) => id).sort());
  });

  it('are not said to be unread in the process list while a perf map of the process lies there', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const path = `/tmp/perf-${child.pid}.map`;
    try {
      const says = (runtime: RuntimeId) => isNativeOnly(child.pid!, runtime);
      assert.deepEqual([says('jvm'), says('perl'), says('python'), says('go')], [true, true, false, false]);
      writeFileSync(path, '1000 10 java.lang.Object::wait\n');
      assert.equal(says('jvm'), false);
      rmSync(path);
      assert.equal(says('jvm'), true);
    } finally {
      rmSync(path, { force: true });
      child.kill();
    }
  });
});
