// Figures of HTTP routes above the functions that answer them: of the recordings that go on, as they come, else of the active one.
// Handlers are claimed by the tracer, with how sure it is; where it claims none, nothing is shown.

import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import {
  type HttpRouteRow,
  httpRouteKey,
  httpRowsOf,
  httpSectionOf,
  type RecordingExtra,
} from '../../../helper/src/protocol';
import { Command } from '../contributions';
import { isNewerThanBinary } from '../profile/staleness';
import { formatCount, formatDuration, formatShare } from '../session/format';
import type { RecordingSession } from '../session/recordingSession';
import { httpThresholds } from '../settings';
import type { FigureContext, FigureSource, FileFigures, LensFigure } from './figures';

/** Of one line: a handler of many routes is told of in its hover. */
const LENSES_OF_LINE = 3;
const EVIDENCE_LISTED = 4;

interface HandledRoute {
  side: 'server' | 'client';
  row: HttpRouteRow & { handler: NonNullable<HttpRouteRow['handler']> };
}

/** What is known of one recording. */
interface Figures {
  /** Of the recording's file. */
  path: string;
  final: boolean;
  sources: RecordingExtra['sources'];
  /** By file on this machine. */
  byFile: Map<string, HandledRoute[]>;
}

type Rows = Record<'routes' | 'clients', HttpRouteRow[]>;

export class HttpFigures implements FigureSource {
  readonly id = 'http';
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private figures: Figures | null = null;
  /** What is shown, to say nothing while nothing changes. */
  private said = '';
  /** The recording that goes on, or whose end is not loaded yet. */
  private live: { path: string; rows: Rows } | null = null;
  private readonly subscriptions: vscode.Disposable[];

  private readonly profiles: FigureContext['profiles'];

  constructor({ profiles, sessions }: Pick<FigureContext, 'profiles' | 'sessions'>) {
    this.profiles = profiles;
    this.subscriptions = [
      this.changed,
      profiles.onDidChange(() => {
        if (this.live === null || this.isLoaded(this.live.path)) this.live = null;
        void this.update();
      }),
      sessions.onDidStart((session) => this.follow(session)),
    ];
    for (const session of sessions.list()) this.follow(session);
    void this.update();
  }

  figuresOf(file: vscode.Uri): FileFigures | null {
    const { figures } = this;
    const routes = file.scheme === 'file' ? figures?.byFile.get(file.fsPath) : undefined;
    return figures && routes ? new HttpFileFigures(figures, routes, file.fsPath) : null;
  }

  dispose(): void {
    for (const one of this.subscriptions) one.dispose();
  }

  private isLoaded(path: string): boolean {
    const { active } = this.profiles;
    return active?.path === path && active.extra.complete;
  }

  private follow(session: RecordingSession): void {
    if (!session.subject.tracers.includes('http')) return;
    session.onDidChange(() => {
      const rows = httpRowsOf(session.tracers.find(({ id }) => id === 'http')?.live);
      if (!rows) return;
      this.live = { path: session.subject.output, rows };
      void this.update();
    });
  }

  private async update(): Promise<void> {
    const { live } = this;
    const { active } = this.profiles;
    const section = live ? live.rows : httpSectionOf(active?.extra);
    const path = live?.path ?? active?.path;
    if (!section || 'wrong' in section || path === undefined) return this.say(null);
    const recorded = active?.path === path ? active.extra : null;
    const byFile = new Map<string, HandledRoute[]>();
    const local = new Map<string, string[]>();
    for (const side of ['server', 'client'] as const)
      for (const row of side === 'server' ? section.routes : section.clients) {
        if (!isHandled(row)) continue;
        const { file } = row.handler;
        if (!local.has(file)) local.set(file, await this.placesOf(file, recorded?.cwd ?? null));
        for (const place of local.get(file)!) {
          const known = byFile.get(place);
          if (known) known.push({ side, row });
          else byFile.set(place, [{ side, row }]);
        }
      }
    // Something newer was met while files were looked for.
    if (live !== this.live || active !== this.profiles.active) return;
    this.say({ path, final: live === null && recorded?.complete === true, sources: recorded?.sources ?? [], byFile });
  }

  /** On this machine, also by its real path where a link leads there. */
  private async placesOf(file: string, cwd: string | null): Promise<string[]> {
    const path = await this.profiles.locator.find(file, cwd);
    return path === null ? [] : [...new Set([path, await realpath(path)])];
  }

  private say(figures: Figures | null): void {
    const now = figures ? JSON.stringify([figures.path, figures.final, [...figures.byFile]]) : '';
    this.figures = figures;
    if (now === this.said) return;
    this.said = now;
    this.changed.fire();
  }
}

const isHandled = (row: HttpRouteRow): row is HandledRoute['row'] => row.handler !== null;

class HttpFileFigures implements FileFigures {
  readonly identity: string;
  readonly final: boolean;
  private readonly byLine = new Map<number, HandledRoute[]>();

  constructor(
    private readonly figures: Figures,
    routes: readonly HandledRoute[],
    private readonly path: string,
  ) {
    this.identity = figures.path;
    this.final = figures.final;
    for (const route of [...routes].sort((a, b) => b.row.count - a.row.count)) {
      const known = this.byLine.get(route.row.handler.line);
      if (known) known.push(route);
      else this.byLine.set(route.row.handler.line, [route]);
    }
  }

  lines(): [] {
    return [];
  }

  lenses(): LensFigure[] {
    return [...this.byLine].flatMap(([line, routes]) =>
      routes.slice(0, LENSES_OF_LINE).map((route, i) => {
        const more = i === LENSES_OF_LINE - 1 ? routes.length - LENSES_OF_LINE : 0;
        const title = `${isBad(route) ? '$(warning) ' : ''}${escapedIcons(titleOf(route))}`;
        return {
          line,
          title: more > 0 ? vscode.l10n.t('{0} and {1} more', title, more) : title,
          tooltip: vscode.l10n.t('Show the requests of this route'),
          command: Command.showHttpRoute,
          arguments: [this.figures.path, httpRouteKey(route.side, route.row)],
        };
      }),
    );
  }

  warnings(): number[] {
    return [...this.byLine].filter(([, routes]) => routes.some(isBad)).map(([line]) => line);
  }

  hover(line: number): vscode.MarkdownString | null {
    const routes = this.byLine.get(line);
    if (!routes) return null;
    const text = new vscode.MarkdownString();
    text.supportThemeIcons = true;
    for (const route of routes) {
      const { confidence, evidence } = route.row.handler;
      text.appendMarkdown(isBad(route) ? '$(warning) ' : '$(globe) ');
      text.appendText(titleOf(route));
      text.appendMarkdown('\n\n');
      const percent = String(Math.round(confidence * 100));
      text.appendText([vscode.l10n.t('{0} % sure', percent), ...evidence.slice(0, EVIDENCE_LISTED)].join(' · '));
      text.appendMarkdown('\n\n');
    }
    return text;
  }

  isOutdated(): Promise<boolean> {
    const known = this.figures.sources.find(({ file }) => this.byFile(file));
    return known ? isNewerThanBinary(known, this.path) : Promise.resolve(false);
  }

  private byFile(file: string): boolean {
    return [...this.byLine.values()].some((routes) => routes.some(({ row }) => row.handler.file === file));
  }
}

/** `GET /users/:id · p50 3.1 ms · p99 48 ms · 0.2 % errors · 1,204 req` */
function titleOf({ side, row }: HandledRoute): string {
  const { method, route, p50Ms, p99Ms, errors, count } = row;
  return vscode.l10n.t(
    '{0} · p50 {1} · p99 {2} · {3} errors · {4} req',
    `${side === 'client' ? '→ ' : ''}${method} ${route}`,
    formatDuration(p50Ms * 1e6),
    formatDuration(p99Ms * 1e6),
    formatShare(count > 0 ? errors / count : 0),
    formatCount(count),
  );
}

function isBad({ row: { p99Ms, errors, count } }: HandledRoute): boolean {
  const { slowMs, errorShare } = httpThresholds();
  return (slowMs > 0 && p99Ms >= slowMs) || (errorShare > 0 && count > 0 && errors / count >= errorShare);
}

/** A route may be called `$(sync~spin)`: a lens would show the icon. */
const escapedIcons = (text: string): string => text.replaceAll('$(', '\\$(');
