// Reads our settings, typed, each with its limits applied, and switches those that have a command or a button. Read each time that a value is
// needed, so that a change takes effect without a reload.

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { ChosenTracers, CpuOptions, HttpOptions } from '../../helper/src/protocol';
import { SETTING_SECTION, Setting, type SettingName } from './contributions';

export type ElevationMethod = 'auto' | 'sudo' | 'askpass' | 'terminal' | 'pkexec';

export interface RecordingSettings {
  tracers: ChosenTracers;
  /** null: until stopped by hand or until the process exits. */
  durationMs: number | null;
  children: boolean;
  /** Absolute. */
  debugFileDirectories: string[];
  debuginfodUrls: string[];
}

function read<T>(name: SettingName, fallback: T): T {
  return vscode.workspace.getConfiguration(SETTING_SECTION).get<T>(name, fallback);
}

/** What assistants are not shown, as the command line's --redact takes it. */
export function assistantRedactions(): string {
  const chosen = texts(Setting.assistantsRedact).filter((one) => one === 'arguments' || one === 'paths');
  return chosen.length > 0 ? chosen.join() : 'none';
}

/** What a recording is made of: CPU time, with HTTP requests where the user wants both; or HTTP requests alone. */
export type Recorded = 'cpu' | 'http';

export function recordingSettings(recorded: Recorded): RecordingSettings {
  const durationSeconds = read(Setting.durationSeconds, 0);
  return {
    tracers: {
      ...(recorded === 'cpu' ? { cpu: cpuOptions() } : {}),
      ...(recorded === 'http' || httpWithProfile() ? { http: httpOptions() } : {}),
    },
    durationMs: durationSeconds > 0 ? durationSeconds * 1000 : null,
    children: read(Setting.followChildren, true),
    debugFileDirectories: texts(Setting.debugFileDirectories).map(inHome).filter(isAbsolute),
    debuginfodUrls: texts(Setting.debuginfodUrls),
  };
}

const cpuOptions = (): CpuOptions => ({
  frequencyHz: Math.min(4999, Math.max(1, Math.round(read(Setting.frequencyHz, 99)))),
  kernel: read(Setting.kernelStacks, true),
  maxFrames: Math.min(1023, Math.max(1, Math.round(read(Setting.maxFrames, 127)))),
});

/** Handlers of routes are looked for in the open folders; without any, where the process was started. */
function httpOptions(): HttpOptions {
  const folders = vscode.workspace.workspaceFolders?.filter(({ uri }) => uri.scheme === 'file') ?? [];
  return {
    truncateAddresses: read(Setting.httpTruncateAddresses, false),
    ...(folders.length > 0 ? { sources: folders.map(({ uri }) => uri.fsPath) } : {}),
  };
}

/** A list as the user wrote it, without what is no text. */
function texts(name: SettingName): string[] {
  const value: unknown = read<unknown>(name, []);
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string' && one.trim() !== '') : [];
}

function inHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

export const httpWithProfile = (): boolean => read(Setting.httpWithProfile, false);
export const openWhileRecording = (): boolean => read(Setting.openWhileRecording, true);
export const lineHeatEnabled = (): boolean => read(Setting.lineHeat, true);
export const codeLensEnabled = (): boolean => read(Setting.codeLens, true);
/** Share, 0..1, under which a line or function stays unmarked. */
export const minimumShare = (): number => Math.max(0, read(Setting.minimumPercent, 0.5)) / 100;
/** From which on a route is marked; 0: never. */
export const httpThresholds = (): { slowMs: number; errorShare: number } => ({
  slowMs: Math.max(0, read(Setting.httpSlowMilliseconds, 500)),
  errorShare: Math.max(0, read(Setting.httpErrorPercent, 1)) / 100,
});

/** Folders whose code is the user's, beside those of the workspace; absolute. */
export const ownFolders = (): string[] => texts(Setting.ownFolders).map(inHome).filter(isAbsolute);

export const FIGURE_UNITS = ['percent', 'time', 'samples'] as const;
export type FigureUnit = (typeof FIGURE_UNITS)[number];
export function figureUnit(): FigureUnit {
  const chosen = read<string>(Setting.figureUnit, 'percent');
  return FIGURE_UNITS.find((unit) => unit === chosen) ?? 'percent';
}

export const elevationMethod = (): ElevationMethod => read<ElevationMethod>(Setting.elevationMethod, 'auto');

/** Flips a boolean setting for the user and returns its new value. */
export async function toggleSetting(name: SettingName): Promise<boolean> {
  const value = !read(name, false);
  await write(name, value);
  return value;
}

/** Bars, percents and CodeLens: all off where any of them is on, else all on. */
export async function toggleAnnotations(): Promise<void> {
  const value = !(lineHeatEnabled() || codeLensEnabled());
  for (const name of [Setting.lineHeat, Setting.codeLens]) await write(name, value);
}

/** Percent, time, samples, percent, … */
export async function switchFigureUnit(): Promise<void> {
  const next = FIGURE_UNITS[(FIGURE_UNITS.indexOf(figureUnit()) + 1) % FIGURE_UNITS.length];
  await write(Setting.figureUnit, next);
}

/** Where it is set already: for the workspace, else for the user. */
async function write(name: SettingName, value: unknown): Promise<void> {
  const config = vscode.workspace.getConfiguration(SETTING_SECTION);
  const target =
    config.inspect(name)?.workspaceValue === undefined
      ? vscode.ConfigurationTarget.Global
      : vscode.ConfigurationTarget.Workspace;
  await config.update(name, value, target);
}

export function affectsOwnFolders(event: vscode.ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration(`${SETTING_SECTION}.${Setting.ownFolders}`);
}

export function affectsAnnotations(event: vscode.ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration(`${SETTING_SECTION}.annotations`);
}
