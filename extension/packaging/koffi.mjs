// Copies the part of koffi that runs: its CommonJS entry and the native file for this architecture and glibc. The npm package also
// holds sources, documentation and other C libraries' builds.
import { cpSync, mkdirSync } from 'node:fs';

export function copyKoffi(nodeModules) {
  const copy = (path) => cpSync(`node_modules/${path}`, `${nodeModules}/${path}`, { recursive: true });
  mkdirSync(`${nodeModules}/koffi`, { recursive: true });
  for (const path of ['package.json', 'index.cjs', 'LICENSE.txt', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'])
    copy(`koffi/${path}`);
  const native = `@koromix/koffi-linux-${process.arch}`;
  for (const path of ['package.json', 'index.js', `linux_${process.arch}/koffi.node`]) copy(`${native}/${path}`);
}
