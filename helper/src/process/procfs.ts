// Reads the few lines of /proc that the process list, the target check and the session need. Layout: proc_pid_status(5). Functions return null for a process that is gone or may not be read.

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { readProcess } from '../client/livingThread';

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function readBytes(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Of a file or a link in the process's folder, by a thread that lives. */
export function readProcessText(pid: number, name: string): string | null {
  return readProcess(pid, (folder) => readText(`${folder}/${name}`));
}

export function readProcessLink(pid: number, name: string): string | null {
  return readProcess(pid, (folder) => readLink(`${folder}/${name}`));
}

/** Real and effective user id. */
export function readUids(pid: number): { real: number; effective: number } | null {
  const match = /^Uid:\s+(\d+)\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '');
  return match && { real: Number(match[1]), effective: Number(match[2]) };
}

/** Owner of /proc/PID: the effective user, root for a process that may not be dumped. */
export function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** Arguments joined by single spaces; empty for kernel threads and zombies. */
export function readCommand(pid: number): string {
  return (readProcessText(pid, 'cmdline') ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
}

/** Epoch ms of the machine's start. */
export function bootTimeMs(): number {
  return Number(/^btime (\d+)/m.exec(readText('/proc/stat') ?? '')?.[1] ?? 0) * 1000;
}
