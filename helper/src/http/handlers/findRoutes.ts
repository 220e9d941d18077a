// The routes that the sources below some folders declare, with their functions' places: each file is asked of each framework that it
// mentions, then functions that stand in other files are looked for.

import { FRAMEWORKS } from './frameworks';
import { SourceReader, sourcesBelow } from './sourceFolder';
import { endingOf, SourceText } from './sourceText';
import type { DeclaredRoute } from './types';

const ROUTES_MOST = 5_000;
const TEXT_MOST_CHARS = 300;

export interface FoundRoutes {
  routes: DeclaredRoute[];
  sources: number;
  /** By folder: why nothing or not all of it was read. */
  refused: { folder: string; why: string }[];
}

export function findRoutes(folders: readonly string[]): FoundRoutes {
  const found: FoundRoutes = { routes: [], sources: 0, refused: [] };
  const files: string[] = [];
  for (const folder of folders) {
    try {
      const { paths, limits } = sourcesBelow(folder);
      files.push(...paths);
      for (const why of limits) found.refused.push({ folder, why });
    } catch (error) {
      found.refused.push({ folder, why: error instanceof Error ? error.message : String(error) });
    }
  }
  found.sources = files.length;
  const reader = new SourceReader();
  for (const file of files) {
    const text = reader.read(file);
    if (text === null || found.routes.length >= ROUTES_MOST) continue;
    found.routes.push(...routesIn(file, text));
  }
  found.routes.length = Math.min(found.routes.length, ROUTES_MOST);
  resolveElsewhere(found.routes, files);
  return found;
}

export function routesIn(file: string, text: string): DeclaredRoute[] {
  const ending = endingOf(file);
  const asked = FRAMEWORKS.filter(({ endings, mentions }) => endings.includes(ending) && mentions.test(text));
  if (asked.length === 0) return [];
  const source = new SourceText(file, text);
  const routes: DeclaredRoute[] = [];
  const seen = new Set<string>();
  for (const { name, find } of asked)
    for (const route of find(source)) {
      const key = `${route.method} ${route.path} ${route.line}`;
      if (seen.has(key) || route.path.length > TEXT_MOST_CHARS || route.function.length > TEXT_MOST_CHARS) continue;
      seen.add(key);
      routes.push({ ...route, framework: name, file });
    }
  return routes;
}

/** A function of one name in one other file of the same language is the one that is meant; of several, none. */
function resolveElsewhere(routes: DeclaredRoute[], files: readonly string[]): void {
  const wanted = new Map<string, { file: string; line: number }[]>();
  const keyOf = ({ file, function: name }: DeclaredRoute) =>
    `${endingOf(file).replace(/^\.[cm]?([jt])sx?$/, '.script')} ${name}`;
  for (const route of routes) if (route.elsewhere) wanted.set(keyOf(route), []);
  if (wanted.size === 0) return;
  const reader = new SourceReader();
  for (const file of files) {
    const text = reader.read(file);
    if (text === null) continue;
    let source: SourceText | null = null;
    const ending = endingOf(file).replace(/^\.[cm]?([jt])sx?$/, '.script');
    for (const [key, places] of wanted) {
      const [language, name] = [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)];
      const [controller, action] = name.includes('#') ? name.split('#') : [null, name];
      if (language !== ending || !text.includes(action)) continue;
      if (controller !== null && !file.endsWith(`/${controller}_controller.rb`)) continue;
      source ??= new SourceText(file, text);
      const line = source.lineOfFunction(action);
      if (line !== null) places.push({ file, line });
    }
  }
  for (const route of routes) {
    const places = route.elsewhere ? wanted.get(keyOf(route)) : undefined;
    if (places?.length === 1) Object.assign(route, places[0], { elsewhere: false });
  }
}
