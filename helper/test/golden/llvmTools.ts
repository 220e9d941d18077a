// Which of LLVM's tools the answers are compared with: an oracle's version is part of a test, and a machine may have several.

import { spawnSync } from 'node:child_process';

export interface LlvmTool {
  command: string;
  major: number;
}

const MAJORS = [22, 21, 20, 19];

/** The newest that is installed; null where there is none. */
export function newestLlvm(tool: string): LlvmTool | null {
  const found = [...MAJORS.map((major) => `${tool}-${major}`), tool].flatMap((command) => {
    const version = spawnSync(command, ['--version'], { encoding: 'utf8' });
    const major = version.error ? undefined : /LLVM version (\d+)/.exec(version.stdout)?.[1];
    return major === undefined ? [] : [{ command, major: Number(major) }];
  });
  return found.sort((a, b) => b.major - a.major)[0] ?? null;
}
