// Writes a capture of an interpreter for helper/test/unit/python.test.ts: the pieces of memory that reading its stacks asks for.
//   node out/js/helper/test/golden/python/capture.js FOLDER
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStacks, type Told } from '../../unit/python/readStacks';
import { interpreters } from './interpreters';
import { ChildMemory, mappedPython } from './processMemory';

const PROGRAM = join(__dirname, '../../../../../../helper/test/golden/python/captured.py');
const BESIDE = join(__dirname, '../../../../../../helper/test/golden/python/told.py');

class CapturingMemory extends ChildMemory {
  readonly pieces: Record<string, string> = {};

  override read(start: number, sizeBytes: number): Buffer | null {
    const bytes = super.read(start, sizeBytes);
    if (bytes) this.pieces[`${start.toString(16)}+${sizeBytes}`] = bytes.toString('base64');
    return bytes;
  }
}

async function main(folder: string): Promise<void> {
  for (const interpreter of interpreters(true)) {
    if (interpreter.missing() !== null) continue;
    const [program, ...rest] = interpreter.command(PROGRAM, BESIDE);
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    const told = JSON.parse(String(await new Promise((resolve) => child.stdout.once('data', resolve)))) as Told;
    const mapped = mappedPython(child.pid as number);
    if (!mapped) throw new Error(`${interpreter.name}: no interpreter`);
    const memory = new CapturingMemory(child.pid as number);
    readStacks(memory, mapped.image, mapped.bias);
    memory.close();
    child.kill('SIGKILL');
    const { image, bias } = mapped;
    const [system] = /\d[\d.]*$/.exec(image.version ?? '') ?? ['unknown'];
    const { pieces } = memory;
    const from = interpreter.name.startsWith('pyenv') ? 'python.org' : 'debian';
    writeFileSync(join(folder, `${system}-${from}.json`), `${JSON.stringify({ image, bias, told, pieces })}\n`);
  }
}

void main(process.argv[2]);
