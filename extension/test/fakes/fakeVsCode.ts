// So much of VS Code as the annotations ask for, so that they are tested without it: modules that import `vscode` get this where a
// test called `withFakeVsCode` before it loads them.

import Module from 'node:module';

export class EventEmitter<T> {
  private readonly listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.listeners) listener(value);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

class Range {
  constructor(
    readonly startLine: number,
    readonly startCharacter: number,
    readonly endLine: number,
    readonly endCharacter: number,
  ) {}
}

class CodeLens {
  constructor(
    readonly range: Range,
    readonly command: unknown,
  ) {}
}

/** Registered CodeLens providers. */
export const lensProviders: { provideCodeLenses(document: unknown): { range: Range; command: { title: string } }[] }[] =
  [];

const nothing = () => ({ dispose() {} });

const FAKE = {
  EventEmitter,
  Range,
  CodeLens,
  OverviewRulerLane: {},
  DecorationRangeBehavior: {},
  ThemeColor: class {},
  l10n: { t: (text: string, ...args: unknown[]) => text.replace(/\{(\d)\}/g, (_, i) => String(args[Number(i)])) },
  window: { visibleTextEditors: [], onDidChangeVisibleTextEditors: nothing, createTextEditorDecorationType: nothing },
  workspace: {
    onDidChangeTextDocument: nothing,
    onDidChangeConfiguration: nothing,
    getConfiguration: () => ({ get: (_: string, fallback: unknown) => fallback }),
  },
  languages: {
    registerCodeLensProvider: (_: unknown, provider: (typeof lensProviders)[number]) => {
      lensProviders.push(provider);
      return { dispose: () => lensProviders.splice(lensProviders.indexOf(provider), 1) };
    },
    registerHoverProvider: nothing,
  },
};

/** `load` runs with it; what it loads keeps it. */
export function withFakeVsCode<T>(load: () => T): T {
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  const real = loader._load;
  loader._load = function (this: unknown, request, ...rest) {
    return request === 'vscode' ? FAKE : real.call(this, request, ...rest);
  };
  try {
    return load();
  } finally {
    loader._load = real;
  }
}
