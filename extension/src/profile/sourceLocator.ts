// Finds a recorded source file on this machine: as it is, by a mapping agreed on before, or by the longest matching end
// among the workspace's files, asked once and remembered for the workspace. Called when a frame's source is opened
// (may ask) and when editors are annotated (never asks).

import { basename, isAbsolute, join, normalize } from 'node:path';
import * as vscode from 'vscode';
import { showNotice } from '../notices';
import { applyMappings, longestSuffixMatch, mappingBetween, type PathMapping } from './pathMapping';
import { isSourceFile } from './sourceFiles';

const STATE_KEY = 'pathMappings';
const SEARCH_MAX_FILES = 500;
const NAMES_AT_ONCE = 50;

export class SourceLocator {
  private readonly changed = new vscode.EventEmitter<void>();
  /** A mapping was agreed on: more editors can be annotated. */
  readonly onDidChange = this.changed.event;
  /** Folders for which the user said no, until the window closes. */
  private readonly declined = new Set<string>();

  constructor(private readonly context: vscode.ExtensionContext) {}

  /**
   * Without a question. A relative path is what distributions make of theirs: it starts at the root of the program's source,
   * wherever that is; at `cwd` (the target's folder) or in the workspace, if it lies there.
   */
  async find(recorded: string, cwd: string | null = null): Promise<string | null> {
    const roots = [cwd, ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath)];
    const places = isAbsolute(recorded) ? [recorded] : roots.map((root) => root && join(root, recorded));
    const mapped = applyMappings(fromRoot(recorded), this.mappings());
    for (const place of [...places, mapped]) if (place && (await isSourceFile(place))) return place;
    return null;
  }

  /** Asks where it is if it must; says so where it is nowhere. null: not found or not wanted. */
  async findOrAsk(path: string, cwd: string | null = null): Promise<string | null> {
    const found = await this.find(path, cwd);
    if (found) return found;
    const recorded = fromRoot(path);
    const match = longestSuffixMatch(recorded, await this.filesNamed(new Set([basename(path)])));
    const mapping = match === null ? null : mappingBetween(recorded, match);
    if (match !== null && mapping && !this.declined.has(mapping.from)) {
      const use = vscode.l10n.t('Use It');
      const choice = await showNotice(
        'information',
        mapping.from === '.'
          ? vscode.l10n.t(
              '{0} is not on this machine. Use {1} for it, and look for other files of its program beside it likewise?',
              path,
              vscode.workspace.asRelativePath(match),
            )
          : vscode.l10n.t(
              '{0} is not on this machine. Use {1} for it, and for other files below {2} likewise?',
              path,
              vscode.workspace.asRelativePath(match),
              mapping.from || '/',
            ),
        [use, vscode.l10n.t('Choose File…')],
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
    const choice = await showNotice('warning', vscode.l10n.t('The source file {0} is not on this machine.', path), [
      choose,
    ]);
    return choice === choose ? this.choose(recorded) : null;
  }

  /** Those of the recorded files that a click could open only after a search by hand. */
  async cannotOpen(paths: readonly string[], cwd: string | null): Promise<string[]> {
    const found = await Promise.all(paths.map((path) => this.find(path, cwd)));
    const missing = paths.filter((_, i) => found[i] === null);
    const nowhere: string[] = [];
    for (let i = 0; i < missing.length; i += NAMES_AT_ONCE) {
      const some = missing.slice(i, i + NAMES_AT_ONCE);
      const files = await this.filesNamed(new Set(some.map((path) => basename(path))));
      nowhere.push(...some.filter((path) => longestSuffixMatch(fromRoot(path), files) === null));
    }
    return nowhere;
  }

  private async filesNamed(names: ReadonlySet<string>): Promise<string[]> {
    const pattern = [...names].map(escapeGlob).join(',');
    const glob = names.size === 1 ? `**/${pattern}` : `**/{${pattern}}`;
    const files = await vscode.workspace.findFiles(glob, undefined, SEARCH_MAX_FILES);
    return files.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath);
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

/** `malloc/malloc.c` -> `./malloc/malloc.c`: the folder that mappings replace is the dot. */
const fromRoot = (path: string) => (isAbsolute(path) ? path : `./${normalize(path)}`);

/** Brackets, braces and commas are patterns to findFiles: `[id].ts` is a common file name. */
const escapeGlob = (name: string) => name.replace(/[[\]{}?*,]/g, '?');
