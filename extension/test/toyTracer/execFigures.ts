// What the tests' tracer (helper/test/toyTracer) tells the editors: over a source file's first line, how often the program of that
// name was executed. It knows the rest of the extension through annotate/figures.ts and the active recording alone.

import { basename, extname } from 'node:path';
import type * as vscode from 'vscode';
import type { FigureSource, FileFigures, LensFigure } from '../../src/annotate/figures';
import type { ProfileStore } from '../../src/profile/profileStore';

interface ExecSection {
  programs: { name: string; count: number }[];
}

export class ExecFigures implements FigureSource {
  readonly id = 'execs';
  readonly onDidChange: vscode.Event<void>;

  constructor(private readonly profiles: Pick<ProfileStore, 'active' | 'onDidChange'>) {
    this.onDidChange = profiles.onDidChange;
  }

  figuresOf(file: vscode.Uri): FileFigures | null {
    const { active } = this.profiles;
    const section = active?.extra.sections?.execs as ExecSection | undefined;
    const program = section?.programs.find(({ name }) => name === basename(file.fsPath, extname(file.fsPath)));
    if (!active || !program) return null;
    const lens: LensFigure = {
      line: 1,
      title: `executed ${program.count} times`,
      tooltip: program.name,
      command: '',
      arguments: [],
    };
    return {
      identity: active.path,
      final: active.extra.complete,
      lines: () => [],
      lenses: () => [lens],
      hover: () => null,
      isOutdated: async () => false,
    };
  }

  dispose(): void {}
}
