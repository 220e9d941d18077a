// Makes speedscope follow VS Code's theme, now and when it changes. speedscope knows two palettes, light and dark, and picks one by
// the media query prefers-color-scheme. The page answers that query itself and fills in VS Code's colours: styles are cached by
// palette object, so the palette not in use is rewritten, then switched to.
import type { FlameGraph } from './speedscope';
import type { GraphTheme } from './speedscopeTypes';

type Listener = (event: { matches: boolean }) => void;

/** Stands in for the browser's answer to (prefers-color-scheme: dark). Installed before speedscope's script runs. */
export class ColorSchemeSwitch {
  private readonly listeners = new Set<Listener>();
  private dark = false;
  private announce: () => void = () => {};
  /** speedscope listens: it does so some frames after its first rendering. */
  readonly listening = new Promise<void>((resolve) => {
    this.announce = resolve;
  });

  install(): void {
    // A choice made in another speedscope of this origin must not win over VS Code's theme.
    try {
      window.localStorage.removeItem('speedscope-color-scheme');
    } catch {
      // Storage is switched off: then there is no such choice either.
    }
    const native = window.matchMedia.bind(window);
    const answer = {
      media: '(prefers-color-scheme: dark)',
      addEventListener: (_type: string, listener: Listener) => {
        this.listeners.add(listener);
        this.announce();
      },
      removeEventListener: (_type: string, listener: Listener) => this.listeners.delete(listener),
    };
    Object.defineProperty(answer, 'matches', { get: () => this.dark });
    window.matchMedia = (query) =>
      query.includes('prefers-color-scheme: dark') ? (answer as unknown as MediaQueryList) : native(query);
  }

  flip(): void {
    this.dark = !this.dark;
    for (const listener of [...this.listeners]) listener({ matches: this.dark });
  }
}

/** Follows the theme until the page closes. */
export async function followTheme(graph: FlameGraph, scheme: ColorSchemeSwitch): Promise<void> {
  const rendered = () => new Promise((resolve) => setTimeout(resolve, 0));
  // Both palettes come to light by rendering once with each; nothing is loaded yet, so nothing flickers.
  await scheme.listening;
  const light = graph.theme;
  scheme.flip();
  await rendered();
  const dark = graph.theme;
  const stock = { light: { ...light }, dark: { ...dark } };

  const apply = () => {
    const idle = graph.theme === light ? dark : light;
    Object.assign(idle, isDark() ? stock.dark : stock.light, vscodePalette());
    scheme.flip();
  };
  apply();

  let applied = fingerprint();
  const observer = new MutationObserver(() => {
    const now = fingerprint();
    if (now === applied) return;
    applied = now;
    apply();
  });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}

const fingerprint = () => JSON.stringify(vscodePalette()) + isDark();

/** VS Code names the kind of theme in the body's class; high contrast exists in both. */
export function isDark(): boolean {
  const classes = document.body.classList;
  return (
    classes.contains('vscode-dark') ||
    (classes.contains('vscode-high-contrast') && !classes.contains('vscode-high-contrast-light'))
  );
}

function vscodePalette(): Partial<GraphTheme> {
  const style = getComputedStyle(document.documentElement);
  const background = opaque(style.getPropertyValue('--vscode-editor-background'), null);
  if (background === null) return {};
  const pick = (...names: string[]): string | null => {
    for (const name of names) {
      const color = opaque(style.getPropertyValue(`--vscode-${name}`), background);
      if (color !== null) return color;
    }
    return null;
  };
  const foreground = pick('editor-foreground', 'foreground');
  const focus = pick('focusBorder', 'contrastActiveBorder');
  /** `percent` of a colour on the background: strong enough to see, weak enough to read the text on it. */
  const tint = (color: string | null, percent: number) =>
    color && opaque(`color-mix(in srgb, ${color} ${percent}%, ${background})`, background);
  const palette = {
    fgPrimaryColor: foreground,
    fgSecondaryColor: tint(foreground, 42),
    bgPrimaryColor: background,
    bgSecondaryColor: pick('list-hoverBackground', 'editorWidget-background'),
    altFgPrimaryColor: pick('editorWidget-foreground', 'foreground'),
    altFgSecondaryColor: pick('descriptionForeground', 'foreground'),
    altBgPrimaryColor: pick('editorWidget-background'),
    altBgSecondaryColor: pick('input-background', 'editorWidget-background'),
    selectionPrimaryColor: tint(focus, 60),
    selectionSecondaryColor: tint(focus, 35),
    weightColor: pick('charts-green', 'testing-iconPassed'),
  };
  return Object.fromEntries(Object.entries(palette).filter(([, color]) => color !== null));
}

let painter: CanvasRenderingContext2D | null = null;

/** Any CSS colour as #rrggbb, which is all that speedscope reads; a translucent one as it looks on `background`. */
function opaque(color: string, background: string | null): string | null {
  if (color.trim() === '') return null;
  if (painter === null) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    painter = canvas.getContext('2d', { willReadFrequently: true });
  }
  if (!painter) return null;
  for (const layer of [background ?? '#000', color]) {
    painter.fillStyle = layer;
    painter.fillRect(0, 0, 1, 1);
  }
  const [r, g, b] = painter.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
