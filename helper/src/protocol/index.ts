// The protocol in one import: `import { … } from '../protocol'`.
export * from './errors';
export * from './fileText';
export * from './http';
export * from './jsonSize';
export * from './messages';
export * from './model';
export * from './params';
export * from './parseRecording';
export * from './recordingFile';
export * from './recordOptions';
export * from './samplingError';
export * from './shape';
export * from './speedscopeFile';
export * from './truncation';
export * from './upgradeRecording';
export * from './version';
export * from './visibleText';
