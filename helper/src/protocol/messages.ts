// The JSON-RPC methods between a client (command line, extension) and the privileged helper. `Requests` maps a method
// to its parameters and result, `ClientNotes` what a client may say, `HelperNotes` what the helper says on its own.
// Errors carry an ErrorReport as JSON-RPC `data`.

import type { ErrorReport } from './errors';
import type { CheckReport, Health, ProcessInfo, RecordSummary } from './model';
import type { RecordOptions, RecordTarget, TracerProgress } from './recordOptions';

export interface Requests {
  /** First message on every connection; anything else before it is refused. */
  handshake: {
    params: { protocolVersion: number; clientVersion: string; token: string };
    result: {
      protocolVersion: number;
      helperVersion: string;
      pid: number;
      uid: number;
      capabilities: string[];
      /** Ids of those that this helper has kept the rights for. */
      tracers: string[];
    };
  };
  'process/list': { params: Record<string, never>; result: ProcessInfo[] };
  'check/run': { params: Record<string, never>; result: CheckReport };
  /** Resolves once samples can arrive. */
  'record/start': { params: RecordOptions; result: { recordingId: number; attachedMs: number } };
  /** Resolves once the file is written. */
  'record/stop': { params: { recordingId: number }; result: RecordSummary };
  /** Ends it at once; what was last written stays. */
  'record/abort': { params: { recordingId: number }; result: null };
  /** Recordings that go on or ended since the last connection: for a reloaded window. */
  'record/list': { params: Record<string, never>; result: RunningRecording[] };
  shutdown: { params: Record<string, never>; result: null };
}

export interface RunningRecording {
  recordingId: number;
  target: RecordTarget;
  /** Ids. */
  tracers: string[];
  title: string;
  output: string;
  startedAtMs: number;
  samples: number;
}

export interface ClientNotes {
  /** At least every 10 s; missed for 60 s, the helper ends. */
  heartbeat: { sentAtMs: number };
  /** A live view is open: rewrite the file often enough to watch. */
  'record/watch': { recordingId: number; visible: boolean };
}

export interface HelperNotes {
  /** Once a second while it records, and when the first sample arrives. */
  'record/progress': {
    recordingId: number;
    elapsedMs: number;
    samples: number;
    firstSampleMs: number | null;
    health: Health;
    /** Of each tracer, in the order of the table. */
    tracers: TracerProgress[];
  };
  /** The output file was rewritten with all that had arrived. */
  'record/checkpoint': { recordingId: number; output: string; samples: number };
  /** Ended without being asked: its process exited, its time was over, or it failed. */
  'record/ended': { recordingId: number; summary: RecordSummary | null; error: ErrorReport | null };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; text: string };
}

export type RequestMethod = keyof Requests;
export type ClientNoteMethod = keyof ClientNotes;
export type HelperNoteMethod = keyof HelperNotes;

/** Heartbeats: how often a client sends one, and how long the helper waits for one before it ends. */
export const HEARTBEAT_INTERVAL_MS = 5_000;
export const HEARTBEAT_TIMEOUT_MS = 60_000;
/**
 * How long a helper without a connection waits for its window to come back after a reload. Nothing is loaded then. A reload
 * takes 5 to 10 s from the old extension host's end to the new one's connection (local server, both CPUs busy; the log says
 * it each time); Remote-SSH connects anew on top of that.
 */
export const RECONNECT_GRACE_MS = 30_000;

/**
 * What the helper prints on its stdout once it listens, as one JSON line; its client waits for it.
 * On failure one JSON line {error: ErrorReport} instead, then it exits.
 */
export interface ReadyLine {
  ready: true;
  pid: number;
  socket: string;
}
