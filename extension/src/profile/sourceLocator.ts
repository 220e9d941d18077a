// Finds a recorded source file on this machine: as it is, by a mapping agreed on before, or by the longest matching end
// among the workspace's files, asked once and remembered for the workspace. Called when a frame's source is opened
// (may ask) and when editors are annotated (never asks).

import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { applyMappings, longestSuffixMatch, mappingBetween, type PathMapping } from './pathMapping';

const STATE_KEY = 'pathMappings';
const SEARCH_MAX_FILES = 500;

export class SourceLocator {
  private readonly changed = new vscode.EventEmitter<void>();
  /** A mapping was agreed on: more editors can be annotated. */
  readonly onDidChange = this.changed.event;
  /** Folders for which the user said no, until the window closes. */
  private readonly declined = new Set<string>();

  constructor(private readonly context: vscode.ExtensionContext) {}

  /** Without a question. `recorded` is absolute. */
  async find(recorded: string): Promise<string | null> {
    if (await exists(recorded)) return recorded;
    const mapped = applyMappings(recorded, this.mappings());
    return mapped && (await exists(mapped)) ? mapped : null;
  }

  /** Asks where it is if it must; says so where it is nowhere. null: not found or not wanted. */
  async findOrAsk(recorded: string): Promise<string | null> {
    const found = await this.find(recorded);
    if (found) return found;
    const name = basename(recorded);
    const files = await vscode.workspace.findFiles(`**/${escapeGlob(name)}`, undefined, SEARCH_MAX_FILES);
    const match = longestSuffixMatch(
      recorded,
      files.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath),
    );
    const mapping = match === null ? null : mappingBetween(recorded, match);
    if (match !== null && mapping && !this.declined.has(mapping.from)) {
      const use = vscode.l10n.t('Use It');
      const choice = await vscode.window.showInformationMessage(
        vscode.l10n.t(
          '{0} is not on this machine. Use {1} for it, and for other files below {2} likewise?',
          recorded,
          vscode.workspace.asRelativePath(match),
          mapping.from || '/',
        ),
        use,
        vscode.l10n.t('Choose File…'),
      );
      if (choice === use) {
        await this.remember(mapping);
        return match;
      }
      if (choice === undefined) {
        this.declined.add(mapping.from);
        return null;
      }
      return this.choose(recorded);
    }
    const choose = vscode.l10n.t('Choose File…');
    const choice = await vscode.window.showWarningMessage(
      vscode.l10n.t('The source file {0} is not on this machine.', recorded),
      choose,
    );
    return choice === choose ? this.choose(recorded) : null;
  }

  private async choose(recorded: string): Promise<string | null> {
    const [uri] =
      (await vscode.window.showOpenDialog({
        title: vscode.l10n.t('Where is {0}?', recorded),
        openLabel: vscode.l10n.t('Use This File'),
        defaultUri: vscode.workspace.workspaceFolders?.[0]?.uri,
      })) ?? [];
    if (!uri) return null;
    if (basename(uri.fsPath) === basename(recorded)) await this.remember(mappingBetween(recorded, uri.fsPath));
    return uri.fsPath;
  }

  private mappings(): PathMapping[] {
    return this.context.workspaceState.get<PathMapping[]>(STATE_KEY, []);
  }

  private async remember(mapping: PathMapping): Promise<void> {
    const others = this.mappings().filter((one) => one.from !== mapping.from);
    await this.context.workspaceState.update(STATE_KEY, [...others, mapping]);
    this.changed.fire();
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Brackets and braces are patterns to findFiles: `[id].ts` is a common file name. */
const escapeGlob = (name: string) => name.replace(/[[\]{}?*]/g, '?');
