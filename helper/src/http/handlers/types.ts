// What route declarations are, wherever they stand, and what each framework's file in frameworks/ must do.

import type { SourceText } from './sourceText';

/** In the words of this project: `/users/:id/files/*`. */
export interface RouteDeclaration {
  /** Upper case; `*`: any. */
  method: string;
  path: string;
  /** False: it is mounted below something that is said elsewhere, or may be. */
  whole: boolean;
  /** Name of the function that answers; of one without a name: the declaration itself. */
  function: string;
  /** Of the function where it is in this file, else of the declaration, from 1. */
  line: number;
  /** The function is none of this file: where it is in another one of the project, that is its place. */
  elsewhere?: boolean;
}

export interface DeclaredRoute extends RouteDeclaration {
  framework: string;
  /** Absolute. */
  file: string;
}

export interface Framework {
  readonly name: string;
  /** Endings of its sources' names, with the dot. */
  readonly endings: readonly string[];
  /** A text that each of its sources has: others are not looked at. */
  readonly mentions: RegExp;
  find(source: SourceText): RouteDeclaration[];
}
