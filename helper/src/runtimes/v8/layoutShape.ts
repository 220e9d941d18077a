// Where the fields of V8's heap objects lie, in one shape for all versions: what everything that reads a heap goes by.

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
