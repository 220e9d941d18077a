// All sources of figures, in the order in which a line's hover lists them.

import type { ProfileStore } from '../profile/profileStore';
import type { FigureSource } from './figures';
import { StackFigures } from './stackFigures';

export const FIGURE_SOURCES: readonly ((profiles: ProfileStore) => FigureSource)[] = [
  (profiles) => new StackFigures(profiles),
];
