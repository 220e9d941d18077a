// The call tree as an expandable table, top-down (who is called) or bottom-up (who calls the functions that burn the
// time). Children are looked up when a row is opened.
import * as l10n from '@vscode/l10n';
import type { Host } from '../host';
import type { Recording, StackProfile } from '../load';
import { type Found, nodesAround } from '../search';
import { describeShare } from '../shares';
import { frameIdentity, fullName, openSource, sameFrame, sourceLink } from '../sourceLinks';
import { type CallNode, callees, callers, callsOf, hasChildren, type StackTree } from '../stackTree';
import { nameElement, renderLink, renderShare } from './cells';
import { element } from './element';
import { type Column, Grid } from './grid';
import type { FrameMenu, Selection, Shown, View } from './view';

export interface CallRow {
  node: CallNode;
  level: number;
  /** Identities of the frames from the outermost row to this one: names a row across reloads. */
  path: string;
  leaf: boolean;
}

export type Direction = 'callees' | 'callers';

/** The rows in sight, given the paths that are open, in the order of the table. */
export function visibleRows(
  recording: Recording,
  tree: StackTree,
  direction: Direction,
  open: ReadonlySet<string>,
  {
    isShown = () => true,
    first = null,
  }: { isShown?: (node: CallNode, level: number) => boolean; first?: CallNode | null } = {},
): CallRow[] {
  const childrenOf = direction === 'callees' ? callees : callers;
  const rows: CallRow[] = [];
  const add = (node: CallNode, level: number, parentPath: string) => {
    if (!isShown(node, level)) return;
    const path = `${parentPath}/${frameIdentity(recording, node.frame)}`;
    rows.push({ node, level, path, leaf: !hasChildren(tree, node, direction) });
    if (open.has(path)) for (const child of childrenOf(tree, node)) add(child, level + 1, path);
  };
  if (first) add(first, 1, '');
  for (const node of childrenOf(tree, null)) if (node.frame !== first?.frame) add(node, 1, '');
  return rows;
}

/** Opens a row, and below it every row that has no sibling, so that one key leads through a long chain of calls. */
export function openChain(tree: StackTree, recording: Recording, direction: Direction, row: CallRow): string[] {
  const childrenOf = direction === 'callees' ? callees : callers;
  const opened = [row.path];
  let children = childrenOf(tree, row.node);
  let path = row.path;
  while (children.length === 1 && hasChildren(tree, children[0], direction)) {
    path = `${path}/${frameIdentity(recording, children[0].frame)}`;
    opened.push(path);
    children = childrenOf(tree, children[0]);
  }
  return opened;
}

export class CallTree implements View {
  readonly id = 'tree';
  readonly title = l10n.t('Call Tree');
  readonly root: HTMLElement;
  private readonly grid: Grid<CallRow>;
  private readonly buttons: Record<Direction, HTMLElement>;
  private recording: Recording | null = null;
  private profile: StackProfile | null = null;
  private tree: StackTree | null = null;
  private direction: Direction;
  private found: Found | null = null;
  /** Whose callers were asked for: its row stands first, bottom-up. */
  private asked: number | null = null;
  /** By node of the tree: whether the search is of anything on its way or below it. Made when it is needed. */
  private around: Uint8Array | null = null;
  private readonly open: Record<Direction, Set<string>> = { callees: new Set(), callers: new Set() };

  constructor(
    private readonly host: Host,
    onSelect: (frame: number) => void,
    menu: FrameMenu,
  ) {
    this.direction = host.state.treeDirection ?? 'callees';
    const share = (id: 'self' | 'total', title: string): Column<CallRow> => ({
      id,
      title,
      numeric: true,
      widthPx: 76,
      render: ({ node }, cell) => {
        if (this.profile && this.tree) renderShare(cell, describeShare(node[id], this.tree.totalWeight, this.profile));
      },
    });
    this.grid = new Grid<CallRow>({
      id: 'calltree',
      label: l10n.t('Call tree'),
      host,
      columns: [
        {
          id: 'name',
          title: l10n.t('Function'),
          widthPx: 200,
          grow: 5,
          render: (row, cell) => this.renderName(row, cell),
        },
        share('total', l10n.t('Total')),
        share('self', l10n.t('Self')),
        {
          id: 'source',
          title: l10n.t('Source'),
          widthPx: 96,
          grow: 1.2,
          fromTablePx: 440,
          render: ({ node }, cell) => {
            const { recording } = this;
            if (recording)
              renderLink(cell, sourceLink(recording, node.frame), (event) =>
                openSource(this.host, recording, node.frame, event),
              );
          },
        },
      ],
      keyOf: (row) => row.path,
      onSelect: (row) => onSelect(row.node.frame),
      onOpen: (row, event) => this.recording && openSource(host, this.recording, row.node.frame, event),
      onMenu: (row, at) => menu(row.node.frame, at),
      tree: {
        level: (row) => row.level,
        expanded: (row) => (row.leaf ? null : this.open[this.direction].has(row.path)),
        toggle: (row) => this.toggle(row),
      },
    });
    const button = (direction: Direction, text: string, title: string) =>
      element('button', { type: 'button', title, onclick: () => this.turn(direction) }, text);
    this.buttons = {
      callees: button('callees', l10n.t('Top-down'), l10n.t('Start where threads start, open to see what is called')),
      callers: button('callers', l10n.t('Bottom-up'), l10n.t('Start where the time is spent, open to see the callers')),
    };
    this.root = element(
      'div',
      { class: 'table-view' },
      element(
        'div',
        { class: 'table-bar' },
        element(
          'div',
          { class: 'segments', role: 'group', 'aria-label': l10n.t('Direction') },
          this.buttons.callees,
          this.buttons.callers,
        ),
      ),
      this.grid.root,
    );
    this.turn(this.direction);
  }

  isFor(): boolean {
    return true;
  }

  show({ recording, profile, tree }: Shown): void {
    const first = this.recording === null;
    if (this.recording && this.asked !== null) this.asked = sameFrame(this.recording, this.asked, recording);
    this.recording = recording;
    this.profile = profile;
    this.tree = tree;
    this.around = null;
    if (first) this.openHeaviest();
    this.refresh();
  }

  /** Makes the row of this call current; top-down the way to it is opened, bottom-up it is the function itself. */
  reveal(selection: Selection): void {
    const { recording } = this;
    const { frame } = selection;
    if (!recording || this.grid.currentRow?.node.frame === frame) return;
    const wanted = this.direction === 'callees' ? selection.path() : [frame];
    let key = '';
    for (const [depth, step] of wanted.entries()) {
      if (depth > 0) this.open[this.direction].add(key);
      key += `/${frameIdentity(recording, step)}`;
    }
    this.refresh();
    this.grid.reveal((row) => row.path === key);
  }

  search(found: Found | null): void {
    this.found = found;
    this.around = null;
    this.refresh();
  }

  enter(): void {
    this.grid.enter();
  }

  /** Bottom-up, opened at the function: from everywhere that it is called. */
  showCallers(frame: number): void {
    const { recording, tree } = this;
    if (!recording || !tree) return;
    const identity = `/${frameIdentity(recording, frame)}`;
    this.asked = frame;
    this.open.callers.add(identity);
    this.turn('callers');
    this.grid.reveal((row) => row.path === identity);
    this.grid.root.focus();
  }

  /** A first look without a click: down the heaviest calls while they hold most of the time. */
  private openHeaviest(): void {
    const { tree, recording } = this;
    if (!tree || !recording) return;
    let path = '';
    let children = callees(tree, null);
    while (children.length > 0 && children[0].total > tree.totalWeight / 2) {
      path += `/${frameIdentity(recording, children[0].frame)}`;
      this.open.callees.add(path);
      children = callees(tree, children[0]);
    }
  }

  private turn(direction: Direction): void {
    this.direction = direction;
    this.host.remember({ treeDirection: direction });
    for (const [id, button] of Object.entries(this.buttons))
      button.setAttribute('aria-pressed', String(id === direction));
    this.refresh();
  }

  private toggle(row: CallRow): void {
    const { tree, recording } = this;
    if (row.leaf || !tree || !recording) return;
    const open = this.open[this.direction];
    if (!open.delete(row.path)) for (const path of openChain(tree, recording, this.direction, row)) open.add(path);
    this.refresh();
  }

  private refresh(): void {
    const { recording, tree, direction, found } = this;
    if (!recording || !tree) return;
    const { frames } = found ?? {};
    if (frames && direction === 'callees') this.around ??= nodesAround(tree, frames);
    const { around } = this;
    const isShown = (node: CallNode, level: number) => {
      if (!frames) return true;
      return direction === 'callees' ? around?.[node.nodes[0]] === 1 : level > 1 || frames[node.frame] === 1;
    };
    const first = direction === 'callers' && this.asked !== null ? callsOf(tree, this.asked) : null;
    this.grid.setRows(visibleRows(recording, tree, direction, this.open[direction], { isShown, first }));
  }

  private renderName(row: CallRow, cell: HTMLElement): void {
    const name = this.recording?.frames[row.node.frame]?.name ?? '';
    const title = this.recording ? fullName(this.recording, row.node.frame) : name;
    const open = this.open[this.direction].has(row.path);
    cell.style.setProperty('--level', String(row.level - 1));
    cell.classList.add('tree-cell');
    cell.append(
      element('span', { class: `twistie${row.leaf ? ' leaf' : open ? ' open' : ''}`, 'aria-hidden': 'true' }),
      nameElement(name, title),
    );
  }
}
