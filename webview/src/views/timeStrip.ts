// The strip over graph and tables: wall-clock time, CPU by thread, and the range that all of them show. A drag chooses a range, the
// keyboard moves and widens it, the wheel zooms the strip itself. Drawn on a canvas; what it shows is said in its label and value.
import * as l10n from '@vscode/l10n';
import type { TimeRange } from '../../../helper/src/protocol';
import type { Recording } from '../load';
import { formatMs } from '../shares';
import { axisSteps, type Strip, stripOf } from '../timeStrip';
import { element } from './element';

const AXIS_PX = 15;
const ROW_PX = 12;
const NAME_PX = 110;
const TICK_PX = 90;
/** A drag that is shorter was a click: it clears the range. */
const MIN_DRAG_PX = 4;
const MIN_SPAN_MS = 1;
const KEY_PART = 0.05;
const ZOOM = 0.8;
const BIN_PX = 2;
const SAMPLES_PER_BIN = 4;

/** `12.3 s`, as exact as the range is long. */
export function rangeText({ fromMs, toMs }: TimeRange): string {
  const digits = toMs - fromMs < 200 ? 3 : toMs - fromMs < 2_000 ? 2 : 1;
  const seconds = (ms: number) => (ms / 1000).toFixed(digits);
  return `${seconds(fromMs)}–${seconds(toMs)}\u00a0s`;
}

export class TimeStrip {
  readonly root: HTMLElement;
  private readonly canvas = element('canvas', { 'aria-hidden': 'true' });
  private recording: Recording | null = null;
  private metric = 0;
  private range: TimeRange | null = null;
  /** What the strip spans: all of the recording, or what was zoomed to. */
  private span: TimeRange = { fromMs: 0, toMs: 0 };
  private strip: Strip | null = null;
  private dragFromMs: number | null = null;
  private frameRequested = false;
  private told: TimeRange | null = null;

  constructor(private readonly onRange: (range: TimeRange | null) => void) {
    this.root = element(
      'div',
      {
        class: 'strip',
        role: 'slider',
        tabindex: 0,
        hidden: true,
        'aria-label': l10n.t('Range of time'),
        title: l10n.t('Drag to show a range of time; arrows move it, Shift widens it, + and - zoom, Esc shows all'),
        onpointerdown: (event: PointerEvent) => this.onDown(event),
        onpointermove: (event: PointerEvent) => this.onMove(event),
        onpointerup: (event: PointerEvent) => this.onUp(event),
        ondblclick: () => this.zoomTo(this.range),
        onwheel: (event: WheelEvent) => this.onWheel(event),
        onkeydown: (event: KeyboardEvent) => this.onKey(event),
      },
      this.canvas,
    );
    new ResizeObserver(() => this.refresh()).observe(this.root);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }

  show(recording: Recording, metric: number, range: TimeRange | null): void {
    const durationMs = recording.extra?.durationMs ?? 0;
    const known = this.recording === recording && this.metric === metric;
    const whole = this.span.fromMs === 0 && this.span.toMs === (this.recording?.extra?.durationMs ?? 0);
    this.recording = recording;
    this.metric = metric;
    this.range = range;
    if (!known && (whole || this.span.toMs > durationMs)) this.span = { fromMs: 0, toMs: durationMs };
    // At first without its width, which it has once it is there.
    const strip = durationMs > 0 ? stripOf(recording, metric, this.span, 1) : null;
    this.root.hidden = strip === null;
    if (known) this.draw();
    else this.refresh();
    this.describe();
  }

  private refresh(): void {
    const { recording } = this;
    const width = this.root.clientWidth;
    if (!recording || width === 0) return;
    this.strip = stripOf(recording, this.metric, this.span, this.binCount(width - NAME_PX));
    this.root.style.height = `${AXIS_PX + (this.strip?.rows.length ?? 0) * ROW_PX + 3}px`;
    this.draw();
  }

  /** Bars of two pixels, but of some samples each: else a thread that is always busy would look like one that is not. */
  private binCount(widthPx: number): number {
    const { period = null, unit = 'count' } = this.recording?.extra?.metrics[this.metric] ?? {};
    const sampleMs = period !== null && unit === 'nanoseconds' ? period / 1e6 : 0;
    const most = sampleMs > 0 ? (this.span.toMs - this.span.fromMs) / (SAMPLES_PER_BIN * sampleMs) : widthPx;
    return Math.max(1, Math.floor(Math.min(widthPx / BIN_PX, most)));
  }

  private draw(): void {
    if (this.frameRequested) return;
    this.frameRequested = true;
    requestAnimationFrame(() => {
      this.frameRequested = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { strip, canvas } = this;
    const context = canvas.getContext('2d');
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    if (!strip || !context || width === 0) return;
    const ratio = window.devicePixelRatio;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.body);
    const colour = (name: string, otherwise: string) => style.getPropertyValue(`--vscode-${name}`).trim() || otherwise;
    const text = colour('descriptionForeground', style.color);
    context.font = `10px ${style.fontFamily}`;
    context.textBaseline = 'middle';
    context.fillStyle = text;
    for (const ms of axisSteps(
      this.span.fromMs,
      this.span.toMs,
      Math.max(1, Math.floor((width - NAME_PX) / TICK_PX)),
    )) {
      const x = this.xOf(ms);
      context.globalAlpha = 0.35;
      context.fillRect(x, 0, 1, height);
      context.globalAlpha = 1;
      if (x < width - TICK_PX / 2) context.fillText(ms === 0 ? '0' : formatMs(ms), x + 3, AXIS_PX / 2);
    }
    const blue = colour('charts-blue', '#3794ff');
    strip.rows.forEach(({ name, load, threads }, row) => {
      const top = AXIS_PX + row * ROW_PX;
      context.fillStyle = text;
      context.fillText(clipped(context, name || l10n.t('others'), NAME_PX - 10), 6, top + ROW_PX / 2);
      context.fillStyle = blue;
      // Samples of the moment before counting began stand in the first bin, and would make all others small.
      const most = Math.max(1, Math.min(threads.size, Math.max(...load)));
      const binPx = (width - NAME_PX) / load.length;
      load.forEach((one, bin) => {
        if (one <= 0) return;
        const part = Math.min(1, one / most);
        const barPx = Math.max(1, part * (ROW_PX - 1));
        context.globalAlpha = 0.35 + 0.65 * part;
        context.fillRect(NAME_PX + bin * binPx, top + ROW_PX - barPx, Math.max(1, binPx), barPx);
      });
      context.globalAlpha = 1;
    });
    if (!this.range) return;
    const [from, to] = [this.xOf(this.range.fromMs), this.xOf(this.range.toMs)];
    context.fillStyle = colour('editor-background', '#888');
    context.globalAlpha = 0.65;
    context.fillRect(NAME_PX, 0, Math.max(0, from - NAME_PX), height);
    context.fillRect(to, 0, Math.max(0, width - to), height);
    context.globalAlpha = 1;
    context.fillStyle = colour('focusBorder', blue);
    for (const x of [from, to - 2]) context.fillRect(x, 0, 2, height);
  }

  private xOf(ms: number): number {
    const { fromMs, toMs } = this.span;
    const part = (ms - fromMs) / Math.max(MIN_SPAN_MS, toMs - fromMs);
    return NAME_PX + Math.min(1, Math.max(0, part)) * (this.root.clientWidth - NAME_PX);
  }

  private msAt(event: MouseEvent): number {
    const { left, width } = this.root.getBoundingClientRect();
    const part = (event.clientX - left - NAME_PX) / Math.max(1, width - NAME_PX);
    const { fromMs, toMs } = this.span;
    return fromMs + Math.min(1, Math.max(0, part)) * (toMs - fromMs);
  }

  private onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.root.setPointerCapture(event.pointerId);
    this.dragFromMs = this.msAt(event);
  }

  private onMove(event: PointerEvent): void {
    if (this.dragFromMs === null) return;
    const range = between(this.dragFromMs, this.msAt(event));
    if (this.xOf(range.toMs) - this.xOf(range.fromMs) >= MIN_DRAG_PX) this.choose(range);
  }

  private onUp(event: PointerEvent): void {
    if (this.dragFromMs === null) return;
    const range = between(this.dragFromMs, this.msAt(event));
    this.dragFromMs = null;
    if (this.xOf(range.toMs) - this.xOf(range.fromMs) < MIN_DRAG_PX) this.choose(null);
  }

  private onWheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.msAt(event));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { fromMs, toMs } = this.range ?? this.span;
    const step = (this.span.toMs - this.span.fromMs) * KEY_PART;
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (direction !== undefined) {
      const move = direction * step;
      // The first key makes a range of the strip's first half, which the next ones move.
      if (!this.range) this.choose({ fromMs, toMs: (fromMs + toMs) / 2 });
      else if (event.shiftKey) this.choose({ fromMs, toMs: Math.max(fromMs + MIN_SPAN_MS, toMs + move) });
      else this.choose(this.moved(fromMs, toMs, move));
    } else if (event.key === 'Escape') {
      if (this.range) this.choose(null);
      else this.zoomTo(null);
    } else if (event.key === '+') this.zoom(ZOOM, (fromMs + toMs) / 2);
    else if (event.key === '-') this.zoom(1 / ZOOM, (fromMs + toMs) / 2);
    else if (event.key === 'Enter') this.zoomTo(this.range);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private moved(fromMs: number, toMs: number, byMs: number): TimeRange {
    const durationMs = this.recording?.extra?.durationMs ?? toMs;
    const by = Math.min(durationMs - toMs, Math.max(-fromMs, byMs));
    return { fromMs: fromMs + by, toMs: toMs + by };
  }

  private zoom(factor: number, aroundMs: number): void {
    const durationMs = this.recording?.extra?.durationMs ?? 0;
    const { fromMs, toMs } = this.span;
    const [from, to] = [aroundMs - (aroundMs - fromMs) * factor, aroundMs + (toMs - aroundMs) * factor];
    if (to - from < MIN_SPAN_MS) return;
    this.span = { fromMs: Math.max(0, from), toMs: Math.min(durationMs, to) };
    this.refresh();
  }

  /** null: all of it. */
  private zoomTo(range: TimeRange | null): void {
    this.span = range ?? { fromMs: 0, toMs: this.recording?.extra?.durationMs ?? 0 };
    this.refresh();
  }

  private choose(range: TimeRange | null): void {
    const durationMs = this.recording?.extra?.durationMs ?? 0;
    this.range = range && {
      fromMs: Math.max(0, range.fromMs),
      toMs: Math.min(durationMs, range.toMs),
    };
    this.draw();
    this.describe();
    if (this.told === this.range) return;
    this.told = this.range;
    this.onRange(this.range);
  }

  private describe(): void {
    const { fromMs, toMs } = this.range ?? this.span;
    this.root.setAttribute('aria-valuemin', '0');
    this.root.setAttribute('aria-valuemax', String(Math.round(this.recording?.extra?.durationMs ?? 0)));
    this.root.setAttribute('aria-valuenow', String(Math.round(fromMs)));
    this.root.setAttribute(
      'aria-valuetext',
      this.range ? l10n.t('{0} of the recording', rangeText({ fromMs, toMs })) : l10n.t('all of the recording'),
    );
  }
}

const between = (a: number, b: number): TimeRange => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) });

function clipped(context: CanvasRenderingContext2D, text: string, widthPx: number): string {
  let shown = text.slice(0, 60);
  while (shown.length > 1 && context.measureText(shown).width > widthPx) shown = `${shown.slice(0, -2)}…`;
  return shown;
}
