// Runs the command in its arguments under a seccomp filter that refuses bpf() with EPERM, as container engines' default
// profiles do. For doctorObstacles.test.ts; as root. Layouts: seccomp(2), include/uapi/linux/filter.h.

import { spawn } from 'node:child_process';
import koffi from 'koffi';

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const EPERM = 1;

/** struct sock_filter: code, jump if true, jump if false, k. */
const INSTRUCTIONS: [code: number, jt: number, jf: number, k: number][] = [
  [0x20, 0, 0, 0], // load the system call's number
  [0x15, 0, 1, SYS_BPF], // is it bpf?
  [0x06, 0, 0, 0x0005_0000 | EPERM], // SECCOMP_RET_ERRNO
  [0x06, 0, 0, 0x7fff_0000], // SECCOMP_RET_ALLOW
];

const filter = Buffer.alloc(8 * INSTRUCTIONS.length);
INSTRUCTIONS.forEach(([code, jt, jf, k], i) => {
  filter.writeUInt16LE(code, 8 * i);
  filter.writeUInt8(jt, 8 * i + 2);
  filter.writeUInt8(jf, 8 * i + 3);
  filter.writeUInt32LE(k, 8 * i + 4);
});
const program = Buffer.alloc(16);
program.writeUInt16LE(INSTRUCTIONS.length, 0);
program.writeBigUInt64LE(BigInt(koffi.address(filter)), 8);

const prctl = koffi.load(null).func('int prctl(int option, ulong mode, void *program, ulong a, ulong b)');
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) !== 0) throw new Error('no seccomp filter could be set');
const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit' });
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => process.exit(code ?? 1));
