// Packages of npm that tests try the product with, none of which it is built with: kept below out/, and a reason to skip where they
// cannot be had. Without the scripts that packages run when they are installed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve('out/npm');

/** A folder whose node_modules has them, each as `name@version`; or why not. */
export function npmPackages(name: string, packages: readonly string[]): { folder: string } | { missing: string } {
  const folder = join(FOLDER, name);
  if (existsSync(folder)) return { folder };
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    writeFileSync(join(making, 'package.json'), '{}');
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
    execFileSync('npm', ['install', ...quiet, ...packages], { cwd: making, stdio: 'pipe' });
    renameSync(making, folder);
  } catch {
    if (!existsSync(folder)) return { missing: `${packages.join(', ')} could not be had from npm` };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { folder };
}
