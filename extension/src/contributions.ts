// Every id that package.json contributes, in one place, so that a typing mistake is a compile error. A unit test
// compares this file with package.json in both directions. Imported by everything that registers or runs an id.

export const EXTENSION_ID = 'universal-ebpf-tracer.universal-ebpf-tracer';

export const Command = {
  profileProcess: 'ebpfTracer.profileProcess',
  traceHttp: 'ebpfTracer.traceHttp',
  profileDebugged: 'ebpfTracer.profileDebugged',
  profileTerminal: 'ebpfTracer.profileTerminal',
  recordCommand: 'ebpfTracer.recordCommand',
  recordAgain: 'ebpfTracer.recordAgain',
  stopRecording: 'ebpfTracer.stopRecording',
  openRecording: 'ebpfTracer.openRecording',
  toggleLineHeat: 'ebpfTracer.toggleLineHeat',
  toggleCodeLens: 'ebpfTracer.toggleCodeLens',
  toggleAnnotations: 'ebpfTracer.toggleAnnotations',
  switchFigures: 'ebpfTracer.switchFigures',
  clearAnnotations: 'ebpfTracer.clearAnnotations',
  checkMachine: 'ebpfTracer.checkMachine',
  showLog: 'ebpfTracer.showLog',
  showInFlameGraph: 'ebpfTracer.showInFlameGraph',
  showHttpRoute: 'ebpfTracer.showHttpRoute',
  recordingsRefresh: 'ebpfTracer.recordings.refresh',
  recordingsOpen: 'ebpfTracer.recordings.open',
  recordingsRename: 'ebpfTracer.recordings.rename',
  recordingsReveal: 'ebpfTracer.recordings.reveal',
  recordingsExport: 'ebpfTracer.recordings.export',
  recordingsCompare: 'ebpfTracer.recordings.compare',
  recordingsDelete: 'ebpfTracer.recordings.delete',
} as const;
export type CommandId = (typeof Command)[keyof typeof Command];

/** Settings, without the `ebpfTracer.` section. */
export const Setting = {
  frequencyHz: 'frequencyHz',
  durationSeconds: 'durationSeconds',
  followChildren: 'followChildren',
  kernelStacks: 'kernelStacks',
  openWhileRecording: 'openWhileRecording',
  debugFileDirectories: 'debugFileDirectories',
  debuginfodUrls: 'debuginfodUrls',
  maxFrames: 'maxFrames',
  httpWithProfile: 'http.withProfile',
  httpTruncateAddresses: 'http.truncateAddresses',
  lineHeat: 'annotations.lineHeat',
  codeLens: 'annotations.codeLens',
  minimumPercent: 'annotations.minimumPercent',
  httpSlowMilliseconds: 'annotations.httpSlowMilliseconds',
  httpErrorPercent: 'annotations.httpErrorPercent',
  figureUnit: 'annotations.figures',
  ownFolders: 'myCode.folders',
  assistantsRedact: 'assistants.redact',
  elevationMethod: 'elevation.method',
} as const;
export type SettingName = (typeof Setting)[keyof typeof Setting];
export const SETTING_SECTION = 'ebpfTracer';

export const ViewContainer = { tracer: 'ebpfTracer' } as const;
export const View = { recordings: 'ebpfTracer.recordings' } as const;
export const RECORDING_EDITOR = 'ebpfTracer.recording';
/** Files of other profilers in the same page; VS Code's own viewers stay the default. */
export const FOREIGN_EDITOR = 'ebpfTracer.foreignProfile';
export const WALKTHROUGH = 'ebpfTracer.getStarted';

/** Tools of language models. */
export const LanguageModelTool = {
  report: 'ebpfTracer_report',
  hotCode: 'ebpfTracer_hotCode',
  compare: 'ebpfTracer_compare',
  record: 'ebpfTracer_record',
} as const;
export const MCP_PROVIDER = 'ebpfTracer.mcp';

/** Keys for `when` clauses. */
export const ContextKey = {
  recording: 'ebpfTracer.isRecording',
  annotated: 'ebpfTracer.hasAnnotations',
} as const;

export const Color = {
  heatBar: 'ebpfTracer.heatBar',
  heatBarStale: 'ebpfTracer.heatBarStale',
  heatText: 'ebpfTracer.heatText',
} as const;
