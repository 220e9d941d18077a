// Goroutines as labels of samples, and walks over the places where Go leaves a goroutine's stack: into the runtime's own
// (systemstack) and into C. The oracle is the program: each of its goroutines prints the id that Go's runtime gives it.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SampleRecord } from '../../src/abi/records';
import { Target } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { SLOWNESS } from './slowness';
import { removeWorkFolder, type Unwound, unwound, wholeShare, workFolder } from './unwindHarness';

const SAMPLES = 600;
const RIGHT_LEAST = 0.99;
const LABELLED_LEAST = 0.99;

/** Prints `function#id entry` of each goroutine as captureHarness.ts reads it. `C_PARTS` and `C_CALL`: what a program with C has more. */
const PROGRAM = `package main
C_PARTS
import ("fmt"; "reflect"; "runtime"; "strconv"; "strings"; "sync")
var lock sync.Mutex
var told sync.WaitGroup
var begin = make(chan bool)
var done = make(chan bool)
var kept []map[string]int
var result int
//go:noinline
func tell(name string, function func()) {
 text := make([]byte, 64)
 text = text[:runtime.Stack(text, false)]
 lock.Lock()
 fmt.Printf("%s#%s %x\\n", name, strings.Fields(string(text))[1], reflect.ValueOf(function).Pointer())
 lock.Unlock()
 told.Done()
 <-begin
}
//go:noinline
func deep(n int) int { var a [64]int; a[n%64] = n; if n == 0 { return 0 }; return deep(n-1) + a[n%64] }
func spin() { tell("spin", spin); for { for i := 0; i < 1000; i++ { result += i }; C_CALL } }
func allocate() { tell("allocate", allocate); for { m := map[string]int{}
 for i := 0; i < 500; i++ { m[strconv.Itoa(i)] = i }; kept = append(kept, m); if len(kept) > 50 { kept = nil } } }
func yield() { tell("yield", yield); for { for i := 0; i < 100; i++ { result ^= i }; runtime.Gosched() } }
func grow() { tell("grow", grow); for { result += deep(50); go passing(); <-done } }
func passing() { deep(100); done <- true }
func main() { told.Add(4); fmt.Printf("passing %x\\n", reflect.ValueOf(passing).Pointer()); go spin(); go allocate(); go yield(); go grow(); told.Wait(); fmt.Println("ready"); close(begin); select {} }
`;
/** A thread-local variable of C's own, so that the place of Go's is not the usual one. */
const C_PARTS = `/*
static __thread long counts[9];
static long __attribute__((noinline)) burn(long n) { for (long i = 0; i < n; i++) counts[i % 9] += counts[(i + 1) % 9] * i + 1; return counts[n % 9]; }
static long __attribute__((noinline)) work(long n) { return burn(n) + burn(n + 1); }
*/
import "C"`;

function built(name: string, cParts: string, cCall: string, ...flags: string[]): string {
  const program = join(workFolder(), name);
  writeFileSync(`${program}.go`, PROGRAM.replace('C_PARTS', cParts).replace('C_CALL', cCall));
  execFileSync('go', ['build', ...flags, '-o', program, `${program}.go`], {
    stdio: 'pipe',
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', CGO_ENABLED: cParts === '' ? '0' : '1' },
  });
  return program;
}

const has = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

describe('goroutines', function () {
  // Compilers among others.
  this.timeout(120_000 * SLOWNESS);
  let target: Target | undefined;

  before(function () {
    const missing = missingForEbpf() ?? (has('go') ? null : 'no go');
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  afterEach(async () => {
    await target?.end();
    target = undefined;
  });
  after(removeWorkFolder);

  /** Those of the program's own goroutines, by the function with which each began: called by goexit, so last but one. */
  function ofGoroutines({ samples, got }: Unwound): { sample: SampleRecord; name: string }[] {
    return samples.flatMap((sample) => {
      const { user, truncated } = got.stackOf(sample);
      const name = truncated === null && user.length > 1 ? target!.functionAt(user.at(-2)!) : null;
      return !name?.includes('#') ? [] : [{ sample, name }];
    });
  }

  /**
   * runtime.mcall is how a goroutine leaves its thread to the scheduler. From there on the thread has no goroutine or already
   * the next one, though before Go 1.25 its stack still leads to the last. The busier the machine, the more samples are of
   * that kind: goroutines are taken off their threads by the clock, not by the time that they ran.
   */
  function schedulerOf(program: string): (address: number) => boolean {
    const symbols = execFileSync('go', ['tool', 'nm', '-size', program], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const find = (name: string) => {
      const [, address, size] = new RegExp(`^ *([0-9a-f]+) +(\\d+) [Tt] ${name}(?:\\.abi0)?$`, 'm').exec(symbols)!;
      return { start: Number.parseInt(address, 16), size: Number(size) };
    };
    const mcall = find('runtime\\.mcall');
    const start = mcall.start + target!.startOf('passing') - find('main\\.passing').start;
    return (address) => address > start && address <= start + mcall.size;
  }

  async function checkLabels(program: string, without: string[] = []): Promise<Unwound> {
    target = await Target.start(program);
    const result = await unwound(target.pid, SAMPLES, { frequencyHz: 499, without });
    const inScheduler = schedulerOf(program);
    const judged = ofGoroutines(result).filter(({ sample }) => !result.got.stackOf(sample).user.some(inScheduler));
    const wrong = judged.filter(({ sample, name }) => sample.label?.id !== Number(name.split('#')[1]));
    const labelled = judged.filter(({ sample }) => sample.label !== null).length;
    assert.ok(labelled > judged.length * LABELLED_LEAST, `${labelled} of ${judged.length} have a label`);
    const seen = new Set(judged.map(({ name }) => name));
    assert.ok(seen.size >= 3 && judged.length > SAMPLES / 4, `${judged.length} samples of ${[...seen]}`);
    const example = wrong.slice(0, 5).map(({ sample, name }) => `${name}: ${sample.label?.id}`);
    assert.ok(wrong.length <= judged.length * (1 - RIGHT_LEAST), `${wrong.length} of ${judged.length}: ${example}`);
    const { share, others } = wholeShare(result);
    assert.ok(share >= RIGHT_LEAST, `${(share * 100).toFixed(1)} % whole: ${others}`);
    return result;
  }

  it('label samples with the ids that the program prints, also on the stack of the runtime', async () => {
    await checkLabels(built('goroutines', '', ''));
  });

  it('label samples that are walked later, on both stacks', async () => {
    await checkLabels(built('goroutines', '', ''), ['publishedtables']);
  });

  it('label them in a position-independent program', async function () {
    if (!process.env.MATRIX) {
      console.log('      skipped: only with MATRIX=1');
      this.skip();
    }
    await checkLabels(built('independent', '', '', '-buildmode=pie'));
  });

  it('keep their labels and whole stacks in C code', async function () {
    if (!has('gcc')) {
      console.log('      skipped: no gcc');
      this.skip();
    }
    const result = await checkLabels(built('crossing', C_PARTS, 'result += int(C.work(100000))'));
    const { got } = result;
    // Go's part of a call of C alone: burn, work, what cgo makes of it, asmcgocall, cgocall, work in Go, spin, goexit.
    const deep = ofGoroutines(result).filter(
      ({ sample, name }) => name.startsWith('spin') && got.stackOf(sample).user.length >= 7,
    );
    assert.ok(deep.length > 20, `${deep.length} samples in C`);
  });
});
