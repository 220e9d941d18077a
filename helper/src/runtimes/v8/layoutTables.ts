// Offsets and numbers of V8's objects that none of its constants tells, by version: measured with the Node.js that carries it
// (README.md has the sources of each number).

import type { V8Layout } from './layoutShape';

/** What no version names, by the Node.js that it was measured with. */
export interface VersionTable {
  name: string;
  from: readonly [number, number];
  literalIdAfterFlags: number;
  sharedData: number[];
  script: { lineOffset: number; columnOffset: number; id: number; sourceUrl: number; sourceMapUrl: number };
  bytecodeArray: { length: number; positions: number };
  code: Pick<
    V8Layout['code'],
    'deopt' | 'positions' | 'instructionStart' | 'flags' | 'size' | 'header' | 'backPointer'
  >;
  deopt: V8Layout['deopt'];
  hasMaglev: boolean;
  scopeInfo: V8Layout['scopeInfo'];
}

const CODE_FROM_12 = { deopt: 8, positions: 16, instructionStart: 40, header: 32, backPointer: 8 };
const SCRIPT_FROM_11 = { lineOffset: 24, columnOffset: 32, id: 64, sourceUrl: 112, sourceMapUrl: 120 };
const SCOPE_TO_12 = {
  first: 32,
  flagsAreSmi: true,
  localCount: 24,
  start: null,
  moduleType: 3,
  hasModuleCountFirst: false,
};
const SCOPE_FROM_13 = {
  first: 48,
  flagsAreSmi: false,
  localCount: 24,
  start: 32,
  moduleType: 5,
  hasModuleCountFirst: true,
};
const DEOPT_TO_12 = { inlinedCount: 1, literals: 2, shared: 6, isSharedWrapped: false, positions: 7, exitStart: 8 };
const DEOPT_FROM_13 = { inlinedCount: 1, literals: 3, shared: 7, isSharedWrapped: true, positions: 8, exitStart: 9 };

const FROM_13 = {
  literalIdAfterFlags: 4,
  sharedData: [8, 16],
  script: SCRIPT_FROM_11,
  bytecodeArray: { length: 8, positions: 24 },
  code: { ...CODE_FROM_12, flags: 52, size: 56 },
  deopt: DEOPT_FROM_13,
  hasMaglev: true,
  scopeInfo: SCOPE_FROM_13,
};

/** Newest last; each holds up to the next one's first version. */
export const TABLES: readonly VersionTable[] = [
  {
    name: '10.2 (Node 18)',
    from: [10, 0],
    literalIdAfterFlags: 4,
    sharedData: [8],
    script: { ...SCRIPT_FROM_11, sourceUrl: 104, sourceMapUrl: 112 },
    bytecodeArray: { length: 8, positions: 32 },
    code: { deopt: 16, positions: 24, instructionStart: null, flags: 48, size: 40, header: 128, backPointer: null },
    deopt: DEOPT_TO_12,
    hasMaglev: true,
    scopeInfo: SCOPE_TO_12,
  },
  {
    name: '11.3 (Node 20)',
    from: [11, 0],
    literalIdAfterFlags: 4,
    sharedData: [8],
    script: SCRIPT_FROM_11,
    bytecodeArray: { length: 8, positions: 32 },
    code: { deopt: 16, positions: 24, instructionStart: 40, flags: 48, size: 56, header: 16, backPointer: 8 },
    deopt: DEOPT_TO_12,
    hasMaglev: true,
    scopeInfo: SCOPE_TO_12,
  },
  {
    name: '12.4 (Node 22)',
    from: [12, 0],
    literalIdAfterFlags: 4,
    sharedData: [8],
    script: SCRIPT_FROM_11,
    bytecodeArray: { length: 8, positions: 24 },
    code: { ...CODE_FROM_12, flags: 48, size: 52 },
    deopt: DEOPT_TO_12,
    hasMaglev: true,
    scopeInfo: { ...SCOPE_TO_12, hasModuleCountFirst: true },
  },
  {
    name: '13.6 (Node 24)',
    from: [13, 0],
    ...FROM_13,
  },
  {
    name: '14.6 (Node 26)',
    from: [14, 0],
    ...FROM_13,
  },
];
