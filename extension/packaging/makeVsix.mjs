// Makes the VSIX for this machine's architecture: out/NAME-linux-ARCH-VERSION.vsix. Everything is laid out in out/vsix first, as it
// will lie in the installed extension; the allow-list in .vscodeignore then says once more what may go in.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyKoffi } from './koffi.mjs';
import { copyNativeLibraries } from './nativeLibraries.mjs';
import { thirdPartyNotices } from './notices.mjs';
import { readmeForExtensionPage } from './readme.mjs';

const STAGE = 'out/vsix';
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const target = `linux-${process.arch}`;
const vsix = `out/${manifest.name}-${target}-${manifest.version}.vsix`;

rmSync(STAGE, { recursive: true, force: true });
mkdirSync(`${STAGE}/dist`, { recursive: true });
execFileSync(process.execPath, ['esbuild.mjs', '--minify', `--outdir=${STAGE}/dist`], { stdio: 'inherit' });

mkdirSync(`${STAGE}/dist/bpf`);
const objects = readdirSync('bpf').filter((file) => file.endsWith('.bpf.c'));
for (const source of objects) {
  const object = source.replace(/\.bpf\.c$/, '.o');
  cpSync(object, `${STAGE}/dist/bpf/${object}`);
}
if (objects.length === 0) throw new Error('There are no eBPF objects: run make ebpf.');

copyKoffi(`${STAGE}/dist/node_modules`);
const native = copyNativeLibraries(`${STAGE}/dist/native`);
const bundled = JSON.parse(readFileSync(`${STAGE}/bundledPackages.json`, 'utf8'));
rmSync(`${STAGE}/bundledPackages.json`);
const packages = [...new Set([...Object.keys(manifest.dependencies), ...bundled])].sort();
writeFileSync(`${STAGE}/dist/THIRD_PARTY_NOTICES.txt`, thirdPartyNotices(packages, native));

// A released extension has nothing to develop with.
const { devDependencies: _, scripts: __, ...released } = manifest;
writeFileSync(`${STAGE}/package.json`, JSON.stringify(released, null, 2));
writeFileSync(`${STAGE}/README.md`, readmeForExtensionPage(readFileSync('README.md', 'utf8')));
const others = ['.vscodeignore', 'package.nls.json', 'l10n', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md'];
for (const path of [...others, 'extension/media', 'extension/walkthrough'])
  if (existsSync(path)) cpSync(path, join(STAGE, path), { recursive: true });

rmSync(vsix, { force: true });
execFileSync(
  process.execPath,
  [
    join(process.cwd(), 'node_modules/@vscode/vsce/vsce'),
    ...['package', '--no-dependencies', '--target', target, '--out', join(process.cwd(), vsix)],
    ...['--allow-missing-repository', '--no-rewrite-relative-links'],
  ],
  { cwd: STAGE, stdio: ['ignore', 'inherit', 'inherit'] },
);
console.log(`${vsix}: ${(statSync(vsix).size / 1e6).toFixed(2)} MB`);
