// The recording whose figures the editors show: the one last opened or recorded. Also knows which file on this machine each
// recorded source is.

import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { RecordingFile } from '../../../helper/src/protocol';
import { ContextKey } from '../contributions';
import { type FileHeat, ProfileIndex } from './profileIndex';
import { partOf, type ShownPart } from './shownPart';
import type { SourceLocator } from './sourceLocator';

/** Sources that were asked for at once: enough to be quick, few enough for a slow disk. */
const LOOKUPS_AT_ONCE = 32;

export class ProfileStore {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private index: ProfileIndex | null = null;
  /** What the index is of: the whole recording, and the part of it that is shown. */
  private of: { recording: RecordingFile; part: string } | null = null;
  /** By path on this machine, also by its real path where a link leads there. */
  private local = new Map<string, FileHeat>();

  constructor(readonly locator: SourceLocator) {
    locator.onDidChange(() => void this.locateAll());
  }

  get active(): ProfileIndex | null {
    return this.index;
  }

  /** Shows the part of it that its page shows. A file of another profiler has nothing for the editors: it clears them. */
  async activate(path: string, recording: RecordingFile, part: ShownPart): Promise<void> {
    const key = JSON.stringify(part);
    if (this.of?.recording === recording && this.of.part === key) return;
    this.of = { recording, part: key };
    const shown = partOf(recording, part);
    this.index = hasExtra(shown) ? new ProfileIndex(path, shown) : null;
    await vscode.commands.executeCommand('setContext', ContextKey.annotated, this.index !== null);
    await this.locateAll();
  }

  async clear(path?: string): Promise<void> {
    if (path !== undefined && this.index?.path !== path) return;
    this.index = null;
    this.of = null;
    this.local = new Map();
    await vscode.commands.executeCommand('setContext', ContextKey.annotated, false);
    this.changed.fire();
  }

  /** What was recorded of the file at this path. */
  heatOf(path: string): FileHeat | null {
    return this.local.get(path) ?? null;
  }

  private async locateAll(): Promise<void> {
    const index = this.index;
    const local = new Map<string, FileHeat>();
    const files = [...(index?.files.values() ?? [])];
    for (let i = 0; i < files.length; i += LOOKUPS_AT_ONCE) {
      await Promise.all(
        files.slice(i, i + LOOKUPS_AT_ONCE).map(async (heat) => {
          const path = await this.locator.find(heat.file, index?.extra.cwd ?? null);
          if (path === null) return;
          local.set(path, heat);
          local.set(await realpath(path), heat);
        }),
      );
    }
    if (index !== this.index) return;
    this.local = local;
    this.changed.fire();
  }
}

function hasExtra(recording: RecordingFile): recording is ConstructorParameters<typeof ProfileIndex>[1] {
  return recording.ebpfTracer !== undefined;
}
