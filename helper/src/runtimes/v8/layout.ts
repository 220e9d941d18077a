// Where the fields of V8's heap objects lie in a given version: from the `v8dbg_` constants that every Node.js carries and, where
// they say nothing, from a table by version (see README.md for the sources of each number).

import type { V8Image, V8Version } from './types';

export interface V8Layout {
  /** The version of the table that was used; differs from the image's where that is unknown. */
  tableVersion: string;
  isKnownVersion: boolean;
  types: {
    firstFunction: number;
    lastFunction: number;
    shared: number;
    script: number;
    scopeInfo: number;
    bytecodeArray: number;
    code: number;
    interpreterData: number;
    debugInfo: number;
    instructionStream: number;
    sharedWrapper: number;
    codeWrapper: number;
    bytecodeWrapper: number;
    firstNonstring: number;
  };
  function: { shared: number };
  shared: {
    data: number[];
    nameOrScopeInfo: number;
    script: number;
    flags: number;
    literalId: number;
  };
  script: {
    source: number;
    name: number;
    lineOffset: number;
    columnOffset: number;
    evalFromShared: number;
    lineEnds: number;
    id: number;
    sourceUrl: number;
    sourceMapUrl: number;
  };
  bytecodeArray: { length: number; positions: number; firstByte: number };
  code: {
    /** Deoptimization data, or a baseline function's bytecode. */
    deopt: number;
    positions: number;
    /** Null: instructions lie in the Code object itself. */
    instructionStart: number | null;
    flags: number;
    size: number;
    kindMask: number;
    /** From the map word before the first instruction to that instruction. */
    header: number;
    /** From that map word to the tagged address of the Code object; null: the map word is the Code object's own. */
    backPointer: number | null;
  };
  kinds: { interpreted: number; baseline: number; maglev: number | null; turbofan: number };
  /** Elements of the deoptimization data. */
  deopt: {
    inlinedCount: number;
    literals: number;
    shared: number;
    isSharedWrapped: boolean;
    positions: number;
    /** Where the exits begin in the code, how many eager ones there are, and then lazy ones; then three elements an exit. */
    exitStart: number;
  };
  scopeInfo: {
    /** Where the variable part begins. */
    first: number;
    /** flags is a Smi; else the low 32 bits of a word. */
    flagsAreSmi: boolean;
    localCount: number;
    /** Fixed places of the function's start and end; null: at the end of the variable part. */
    start: number | null;
    moduleType: number;
    hasModuleCountFirst: boolean;
  };
  /** Source positions count code offsets without a sign (V8 13.7). */
  hasUnsignedPositions: boolean;
  frameTypes: Map<number, string>;
}

/** What no version names, by the Node.js that it was measured with. */
interface VersionTable {
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
const TABLES: readonly VersionTable[] = [
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

/** Versions of V8 whose numbers were measured with a Node.js that carries it. */
const MEASURED = ['10.2', '11.3', '12.4', '13.6', '14.6'];
/** Object sizes are far below; a constant outside of this is no offset. */
const MAX_OFFSET = 4_096;
/** JS_FUNCTION_TYPE and its neighbours up to JS_CLASS_CONSTRUCTOR_TYPE, where no constant names the last one. */
const FUNCTION_TYPES = 17;

/** Null, with the reason, where the constants do not describe a V8 whose objects we can read. */
export function layoutOf(image: V8Image): V8Layout | string {
  const constants = new Constants(image.constants);
  const { v8Version: version } = image;
  if (version[0] < TABLES[0].from[0]) return `V8 ${version.join('.')} is older than the oldest that can be read (10.0)`;
  if (constants.value('TaggedSize', 8) !== 8) return 'it compresses pointers, which is not supported';
  if (constants.value('SmiShiftSize', 31) !== 31) return 'its small integers have 31 bits, which is not supported';
  const table = tableOf(version);
  const shared = constants.field('SharedFunctionInfo', ['flags']);
  const missing = [] as string[];
  const need = (className: string, fields: string[]) => {
    const offset = constants.field(className, fields);
    if (offset === null) missing.push(`${className}.${fields[0]}`);
    return offset ?? 0;
  };
  const type = (name: string, isOptional = false) => {
    const value = constants.type(name);
    if (value === null && !isOptional) missing.push(name);
    return value ?? -1;
  };
  const firstFunction = constants.value('FirstJSFunctionType', type('JS_FUNCTION_TYPE'));
  const baseline = constants.value('CodeKindBaseline', -1);
  if (baseline < 0) missing.push('CodeKindBaseline');
  const layout: V8Layout = {
    tableVersion: table.name,
    isKnownVersion: MEASURED.includes(`${version[0]}.${version[1]}`),
    types: {
      firstFunction,
      lastFunction: constants.value('LastJSFunctionType', firstFunction + FUNCTION_TYPES - 1),
      shared: type('SHARED_FUNCTION_INFO_TYPE'),
      script: type('SCRIPT_TYPE'),
      scopeInfo: type('SCOPE_INFO_TYPE'),
      bytecodeArray: type('BYTECODE_ARRAY_TYPE'),
      code: type('CODE_TYPE'),
      interpreterData: type('INTERPRETER_DATA_TYPE', true),
      debugInfo: type('DEBUG_INFO_TYPE', true),
      instructionStream: type('INSTRUCTION_STREAM_TYPE', true),
      sharedWrapper: type('SHARED_FUNCTION_INFO_WRAPPER_TYPE', true),
      codeWrapper: type('CODE_WRAPPER_TYPE', true),
      bytecodeWrapper: type('BYTECODE_WRAPPER_TYPE', true),
      firstNonstring: constants.value('FirstNonstringType', 128),
    },
    function: { shared: need('JSFunction', ['shared']) },
    shared: {
      data: table.sharedData,
      nameOrScopeInfo: need('SharedFunctionInfo', ['name_or_scope_info']),
      script: need('SharedFunctionInfo', ['script', 'script_or_debug_info', 'raw_script']),
      flags: shared ?? 0,
      literalId: (shared ?? 0) + table.literalIdAfterFlags,
    },
    script: {
      ...table.script,
      source: need('Script', ['source']),
      name: need('Script', ['name']),
      evalFromShared: need('Script', [
        'eval_from_shared_or_wrapped_arguments',
        'eval_from_shared_or_wrapped_arguments_or_sfi_table',
      ]),
      lineEnds: need('Script', ['line_ends']),
    },
    bytecodeArray: { ...table.bytecodeArray, firstByte: need('BytecodeArray', ['data']) },
    code: { ...table.code, kindMask: constants.value('CodeKindFieldMask', 15) },
    kinds: {
      interpreted: constants.value('CodeKindInterpretedFunction', baseline - 1),
      baseline,
      maglev: table.hasMaglev ? baseline + 1 : null,
      turbofan: baseline + 2,
    },
    deopt: deoptIndexes(constants, table),
    scopeInfo: table.scopeInfo,
    hasUnsignedPositions: version[0] > 13 || (version[0] === 13 && version[1] >= 7),
    frameTypes: constants.frameTypes(),
  };
  if (shared === null) missing.push('SharedFunctionInfo.flags');
  if (missing.length > 0) return `its debug constants lack ${missing.slice(0, 3).join(', ')}`;
  return layout;
}

function tableOf([major, minor]: V8Version): VersionTable {
  let found = TABLES[0];
  for (const table of TABLES) {
    const [fromMajor, fromMinor] = table.from;
    if (major > fromMajor || (major === fromMajor && minor >= fromMinor)) found = table;
  }
  return found;
}

function deoptIndexes(constants: Constants, table: VersionTable): V8Layout['deopt'] {
  const of = (name: string) => constants.optional(`DeoptimizationData${name}Index`);
  const wrapped = of('WrappedSharedFunctionInfo');
  const plain = of('SharedFunctionInfo');
  return {
    inlinedCount: of('InlinedFunctionCount') ?? table.deopt.inlinedCount,
    literals: of('LiteralArray') ?? table.deopt.literals,
    shared: wrapped ?? plain ?? table.deopt.shared,
    isSharedWrapped: wrapped !== null || (plain === null && table.deopt.isSharedWrapped),
    positions: of('InliningPositions') ?? table.deopt.positions,
    exitStart: (of('InliningPositions') ?? table.deopt.positions) + 1,
  };
}

/** By meaning: the names' endings are C++ types, which change with every version. */
class Constants {
  private readonly fields = new Map<string, number>();
  private readonly types = new Map<string, number>();

  constructor(private readonly all: Record<string, number>) {
    for (const [name, value] of Object.entries(all)) {
      const [kind, , field] = split(name);
      if (kind === 'class' && value >= 0 && value < MAX_OFFSET) this.fields.set(field, value);
      else if (kind === 'type') this.types.set(field, value);
    }
  }

  value(name: string, otherwise: number): number {
    return this.optional(name) ?? otherwise;
  }

  optional(name: string): number | null {
    return Object.hasOwn(this.all, name) ? this.all[name] : null;
  }

  field(className: string, names: readonly string[]): number | null {
    for (const name of names) {
      const offset = this.fields.get(`${className}.${name}`);
      if (offset !== undefined) return offset;
    }
    return null;
  }

  type(name: string): number | null {
    return this.types.get(name) ?? null;
  }

  frameTypes(): Map<number, string> {
    const found = new Map<number, string>();
    for (const [name, value] of Object.entries(this.all))
      if (name.startsWith('frametype_')) found.set(value, name.slice('frametype_'.length));
    return found;
  }
}

/** `class_Script__name__Object` -> class, _, `Script.name`; `type_Script__SCRIPT_TYPE` -> type, _, `SCRIPT_TYPE`. */
function split(name: string): [string, string, string] {
  const underscore = name.indexOf('_');
  const kind = name.slice(0, underscore);
  const parts = name.slice(underscore + 1).split('__');
  if (kind === 'class') return [kind, '', `${parts[0]}.${parts[1] ?? ''}`];
  return [kind, '', parts[1] ?? parts[0]];
}
