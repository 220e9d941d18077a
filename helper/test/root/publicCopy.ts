// What the tests run as another user, where that user can read it: in the checkout, or, where that is closed to others (as
// home folders of today are), in a copy that lives as long as this process.

import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const CHECKOUT = join(__dirname, '../../../../..');
/** What the helper and the command line are made of, bundled or not, and what they load from node_modules. */
const PARTS = ['dist', 'out/js/helper', 'package.json'];
const objects = () => readdirSync(CHECKOUT).filter((name) => name.endsWith('.o'));

/** Is each folder above `path`, and `path` itself, open to everybody? */
function isPublic(path: string): boolean {
  const open = statSync(path).isDirectory() ? 0o5 : 0o4;
  if ((statSync(path).mode & open) !== open) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!(statSync(folder).mode & 0o1)) return false;
    if (folder === dirname(folder)) return true;
  }
}

let copy: string | null = null;

/** A folder that everybody may enter and that is gone when this process ends. */
function publicFolder(): string {
  if (copy !== null) return copy;
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-public-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  copy = folder;
  return folder;
}

function copyCheckout(): string {
  const folder = publicFolder();
  const { dependencies } = require(join(CHECKOUT, 'package.json')) as { dependencies: Record<string, string> };
  // @koromix: koffi's native files.
  const modules = [...Object.keys(dependencies), '@koromix'].map((name) => join('node_modules', name));
  for (const part of [...PARTS, ...objects(), ...modules]) {
    mkdirSync(dirname(join(folder, part)), { recursive: true });
    cpSync(join(CHECKOUT, part), join(folder, part), { recursive: true });
  }
  openToAll(folder);
  return folder;
}

function openToAll(path: string): void {
  const { mode } = statSync(path);
  chmodSync(path, mode | 0o444 | (mode & 0o100 ? 0o111 : 0));
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}

/** Only root becomes somebody else. */
const suits = (path: string) => process.getuid!() !== 0 || isPublic(path);

/** The folder that stands for the checkout. A process that runs in a copy is in it already. */
export const PUBLIC_ROOT = suits(__filename) ? CHECKOUT : copyCheckout();

/** Node as every user can start it. */
export const PUBLIC_NODE = suits(process.execPath) ? process.execPath : copyNode();

function copyNode(): string {
  const node = join(publicFolder(), 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  return node;
}

/** A file of the tests' JavaScript by its path from here, as `require.resolve` takes it. */
export function publicFile(path: string): string {
  return join(PUBLIC_ROOT, relative(CHECKOUT, require.resolve(path.startsWith('.') ? join(__dirname, path) : path)));
}
