// The walk of kernel stacks by the kernel's tables, held against the kernel's own walk: both on the same samples, frame by
// frame, in BPF (bpf/test/kernel_walk.bpf.c), while a process keeps the kernel busy in many ways.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { kernelUnwindTables, useKernelUnwindTables } from '../../src/bpf/kernelUnwind';
import { native } from '../../src/bpf/libbpf';
import { BpfObject } from '../../src/bpf/object';
import { hasRingBuffer, hasTaskPtRegs, pidNamespaceInode } from '../../src/bpf/probe';
import { SamplingEvents } from '../../src/bpf/samplingEvents';
import { TargetMap } from '../../src/engine/targetMap';
import { SLOWNESS } from './slowness';

const ROOT = resolve(__dirname, '../../../../..');
const WANTED = SLOWNESS > 1 ? 500 : 1_500;
const PATIENCE_MS = 40_000 * SLOWNESS;

/** System calls on pipes, sockets and files, page faults, futexes and soft interrupts of the loopback device. */
const BUSY = `
import mmap, os, socket, tempfile, threading
def calls():
    server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname())
    end, _ = server.accept(); r, w = os.pipe(); file = tempfile.TemporaryFile()
    while True:
        client.sendall(b'x' * 4000); end.recv(4096)
        os.write(w, b'y' * 2000); os.read(r, 4096)
        file.seek(0); file.write(b'z' * 20000); file.flush(); os.stat('/proc/self/status'); os.listdir('/usr/lib')
def faults():
    while True:
        area = mmap.mmap(-1, 4 << 20)
        for at in range(0, 4 << 20, 4096): area[at] = 1
        area.close()
threading.Thread(target=faults, daemon=True).start()
calls()
`;

describe("kernel stacks by the kernel's tables", function () {
  this.timeout(PATIENCE_MS + 30_000 * SLOWNESS);

  it('are those of the kernel itself, frame by frame', async function () {
    const tables = await kernelUnwindTables(null);
    if (!tables) {
      console.log('      skipped: this kernel has no ORC tables');
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'kernel-walk-'));
    const busy = spawn('python3', ['-c', BUSY], { stdio: 'ignore' });
    let object: BpfObject | null = null;
    try {
      const flags = execFileSync('make', ['--no-print-directory', '-C', ROOT, 'print-bpf-cflags'], {
        encoding: 'utf8',
      });
      execFileSync(
        'clang',
        [...flags.trim().split(/\s+/), '-c', 'bpf/test/kernel_walk.bpf.c', '-o', join(folder, 'walk.o')],
        {
          cwd: ROOT,
        },
      );
      object = new BpfObject('kernel_walk', join(folder, 'walk.o'));
      object.configure({
        keepRaw: false,
        useRingBuffer: hasRingBuffer(),
        countKernel: true,
        useTaskPtRegs: hasTaskPtRegs(),
        followChildren: false,
        pidNsInode: pidNamespaceInode(),
        maxFrames: 127,
        rights: null,
      });
      object.load();
      assert(useKernelUnwindTables(object.mapFd('kernel_unwind'), tables));
      assert(new TargetMap(object.mapFd('targets'), object.mapFd('targets_added')).add(busy.pid!, 'active'));
      const events = new SamplingEvents(object, 'compare_walks', SLOWNESS > 1 ? 97 : 997, []);
      assert(events.attach());
      const value = Buffer.alloc(8 * (9 + 127 + 127));
      const word = (index: number) => value.readBigUInt64LE(index * 8);
      const deadline = Date.now() + PATIENCE_MS;
      do {
        await new Promise((done) => setTimeout(done, 100));
        native().libbpf.lookup(object.mapFd('comparison'), Buffer.alloc(4), value);
      } while (word(0) < WANTED && Date.now() < deadline);
      for (const cpu of events.cpus) events.removeCpu(cpu);
      const [walked, givenUp, elsewhere, different, frames] = [0, 1, 2, 3, 4].map((index) => Number(word(index)));
      const hex = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => word(from + i).toString(16)).join(' ');
      const first = `own ${hex(5, 2)}: ${hex(9, Number(word(5)))}; kernel ${hex(7, 2)}: ${hex(136, Number(word(7)))}`;
      assert.equal(different, 0, `of ${walked}, the first: ${first}`);
      assert(walked >= WANTED, `${walked} walks, ${givenUp} given up`);
      // Only code that the tables do not describe, and before 6.4 what runs on an interrupt's stack: 18 % seen on Debian's 5.10.
      const [major, minor] = release().split('.').map(Number);
      const most = major > 6 || (major === 6 && minor >= 4) ? 0.01 : 0.3;
      const unexplained = (givenUp - elsewhere) / (walked + givenUp);
      assert(unexplained <= most, `${givenUp} given up beside ${walked}, ${elsewhere} for code that has no tables`);
      assert(frames / walked > 4, `${frames} frames in ${walked} walks`);
      console.log(
        `      ${walked} stacks, ${frames} frames, all equal; ${givenUp} left to the kernel, ${elsewhere} for code without tables`,
      );
    } finally {
      object?.close();
      busy.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
});
