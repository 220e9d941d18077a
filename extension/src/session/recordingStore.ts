// The recordings of this workspace: files in the extension's storage folder for it (0700, files 0600), and what is known of each
// without parsing it.

import { mkdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { FILE_SUFFIX, fileNameFor, safeName } from '../../../helper/src/client/recordingNames';
import type { Counted } from './counted';

const STATE_KEY = 'recordings';

export interface RecordingFacts {
  title: string;
  /** Left out by old versions, which counted `samples` alone. */
  counted?: Counted[];
  samples?: number;
  durationMs: number;
  complete: boolean;
}

export interface StoredRecording {
  path: string;
  name: string;
  modifiedMs: number;
  sizeBytes: number;
  /** null for a file that came here some other way. */
  facts: RecordingFacts | null;
}

export class RecordingStore implements vscode.Disposable {
  readonly folder: string;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private watcher: vscode.FileSystemWatcher | null = null;
  /** The one whose figures the editors show. */
  shownPath: string | null = null;

  constructor(private readonly context: vscode.ExtensionContext) {
    this.folder = join((context.storageUri ?? context.globalStorageUri).fsPath, 'recordings');
  }

  /** A path for a new recording; its folder exists afterwards. */
  newPath(title: string, at = new Date()): string {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    return join(this.folder, fileNameFor(title, at));
  }

  async list(): Promise<StoredRecording[]> {
    const facts = this.facts();
    const names = await readdir(this.folder).catch(() => [] as string[]);
    const found = await Promise.all(
      names
        .filter((name) => name.endsWith(FILE_SUFFIX))
        .map(async (name): Promise<StoredRecording | null> => {
          const path = join(this.folder, name);
          const info = await stat(path).catch(() => null);
          if (!info?.isFile()) return null;
          return {
            path,
            name: name.slice(0, -FILE_SUFFIX.length),
            modifiedMs: info.mtimeMs,
            sizeBytes: info.size,
            facts: facts[name] ?? null,
          };
        }),
    );
    return found.filter((one) => one !== null).sort((a, b) => b.modifiedMs - a.modifiedMs);
  }

  async remember(path: string, facts: RecordingFacts): Promise<void> {
    await this.update((all) => {
      all[nameOf(path)] = facts;
    });
  }

  /** Gives it another title and file name; returns the new path. */
  async rename(path: string, title: string): Promise<string> {
    const target = join(this.folder, `${safeName(title)}${FILE_SUFFIX}`);
    if (target !== path) {
      if (await stat(target).catch(() => null))
        throw new Error(vscode.l10n.t('There is already a recording of that name.'));
      await rename(path, target);
    }
    await this.update((all) => {
      const facts = all[nameOf(path)];
      delete all[nameOf(path)];
      if (facts) all[nameOf(target)] = { ...facts, title };
    });
    return target;
  }

  async delete(path: string): Promise<void> {
    await rm(path, { force: true });
    await this.update((all) => {
      delete all[nameOf(path)];
    });
  }

  /** From now on changes made by others are seen too. Called when the view is shown. */
  async watch(): Promise<void> {
    if (this.watcher) return;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const pattern = new vscode.RelativePattern(vscode.Uri.file(this.folder), `*${FILE_SUFFIX}`);
    this.watcher = vscode.workspace.createFileSystemWatcher(pattern, false, true, false);
    this.watcher.onDidCreate(() => this.changed.fire());
    this.watcher.onDidDelete(() => this.changed.fire());
  }

  /** The editors show the figures of another one. */
  setShown(path: string | null): void {
    if (path === this.shownPath) return;
    this.shownPath = path;
    this.changed.fire();
  }

  refresh(): void {
    this.changed.fire();
  }

  dispose(): void {
    this.watcher?.dispose();
    this.changed.dispose();
  }

  private facts(): Record<string, RecordingFacts> {
    return this.context.workspaceState.get(STATE_KEY, {});
  }

  private async update(change: (all: Record<string, RecordingFacts>) => void): Promise<void> {
    const all = { ...this.facts() };
    change(all);
    await this.context.workspaceState.update(STATE_KEY, all);
    this.changed.fire();
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
