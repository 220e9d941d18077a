// The protocol in one import: `import { … } from '../protocol'`.

export * from './changesSection';
export * from './cutRecording';
export * from './errors';
export * from './fileText';
export * from './flows';
export * from './foldRecording';
export * from './hottestLine';
export * from './http';
export * from './httpSection';
export * from './jsonSize';
export * from './messages';
export * from './model';
export * from './ownCode';
export * from './params';
export * from './parseRecording';
export * from './recordingFile';
export * from './recordOptions';
export * from './runtimeNames';
export * from './samplingError';
export * from './shape';
export * from './speedscopeFile';
export * from './truncation';
export * from './upgradeRecording';
export * from './version';
export * from './visibleText';
