// Runtimes that cannot be read yet: what a file of theirs defines, and the way out that each has today, a file that names the code
// that it compiled (symbolize/perfmap/, symbolize/jitdump/). A plug-in of its own takes the place of a row here.
// README.md has the sources.

import type { RuntimeId } from '../../protocol';

export interface NativeOnlyRuntime {
  id: RuntimeId;
  /** Dynamic symbols of its program or library, one of which is enough. */
  symbols: readonly string[];
  /** Sections of its program, one of which is enough. */
  sections?: readonly string[];
  /** In the constants of a program that offers Node-API, for programs with neither. */
  text?: string;
  /** A dynamic symbol with its version as text. */
  versionSymbol?: string;
  /** Its version in the program's constants; looked for only where `text` is. */
  versionText?: RegExp;
  reason: string;
  fix: string;
}

const NOT_YET = 'this version cannot read it yet';

export const NATIVE_ONLY_RUNTIMES: readonly NativeOnlyRuntime[] = [
  {
    id: 'jvm',
    symbols: ['gHotSpotVMStructs'],
    reason: NOT_YET,
    fix:
      'Start it with -XX:+PreserveFramePointer, and run "jcmd PID Compiler.perfmap" (from Java 17) before the recording ends, or start ' +
      'it with -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit; before Java 17, load perf-map-agent.',
  },
  {
    id: 'dotnet',
    symbols: ['coreclr_initialize', 'DotNetRuntimeInfo'],
    reason: NOT_YET,
    fix: 'Start it with the environment variable DOTNET_PerfMapEnabled=1 (COMPlus_PerfMapEnabled=1 before .NET 6).',
  },
  {
    id: 'ruby',
    symbols: ['ruby_version'],
    versionSymbol: 'ruby_version',
    reason: NOT_YET,
    fix: 'Start it with --yjit --yjit-perf=map (from Ruby 3.3): methods that YJIT has compiled get their names.',
  },
  {
    id: 'php',
    symbols: ['php_module_startup'],
    reason: NOT_YET,
    fix:
      'Switch the JIT on and have it name its code (from PHP 8): opcache.enable_cli=1, opcache.jit_buffer_size=64M and ' +
      'opcache.jit_debug=16.',
  },
  {
    id: 'perl',
    symbols: ['Perl_runops_standard'],
    reason: NOT_YET,
    fix: 'Perl compiles nothing that a perf map could name; Devel::NYTProf shows its own functions.',
  },
  {
    id: 'bun',
    symbols: [],
    sections: ['.bun', '.bun_builtins'],
    text: 'BUN_INSTALL',
    versionText: /\bBun v(\d{1,4}\.\d{1,4}\.\d{1,4})/,
    reason: NOT_YET,
    fix: 'Start it with the environment variables BUN_JSC_useJITDump=1 and BUN_JSC_jitDumpDirectory=/tmp.',
  },
  {
    id: 'deno',
    symbols: [],
    text: 'DENO_DIR',
    versionText: /Deno\/(\d{1,4}\.\d{1,4}\.\d{1,4})\+[0-9a-f]{7}/,
    reason: NOT_YET,
    fix: 'Start it with "deno run --v8-flags=--perf-basic-prof".',
  },
  {
    id: 'pypy',
    symbols: ['pypy_main_startup', 'rpython_startup_code'],
    reason: NOT_YET,
    fix: 'PyPy writes no perf map; run the program with CPython, or use PyPy’s own profiler vmprof.',
  },
];
