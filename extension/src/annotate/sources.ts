// All sources of figures, in the order in which a line's hover lists them.

import type { FigureContext, FigureSource } from './figures';
import { HttpFigures } from './httpFigures';
import { StackFigures } from './stackFigures';

export const FIGURE_SOURCES: readonly ((context: FigureContext) => FigureSource)[] = [
  ({ profiles }) => new StackFigures(profiles),
  (context) => new HttpFigures(context),
];
