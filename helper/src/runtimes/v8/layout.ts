// Where the fields of V8's heap objects lie in a given version: from the `v8dbg_` constants that every Node.js carries and, where
// they say nothing, from a table by version (see README.md for the sources of each number).

import type { V8Layout } from './layoutShape';
import { TABLES, type VersionTable } from './layoutTables';
import type { V8Image, V8Version } from './types';

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
