// TCP ports that processes listen on: listening sockets' inodes from /proc/PID/net/tcp{,6}, read once per network
// namespace, then found among the open files of the processes in it. Used by the process list.
// Columns: proc_pid_net(5), "tcp".

import { readdirSync } from 'node:fs';
import { readProcess } from '../client/livingThread';
import { readLink, readProcessLink, readProcessText } from './procfs';

const LISTEN = '0A';

/** Inode -> port of the listening sockets in the text of /proc/net/tcp or tcp6. */
export function parseListening(text: string): Map<string, number> {
  const ports = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === LISTEN && inode) ports.set(inode, Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16));
  }
  return ports;
}

/** Looks ports up; keeps each network namespace's table while one list is made. */
export class ListeningPorts {
  private readonly byNamespace = new Map<string, Map<string, number>>();

  /** Sorted, without doubles; empty where the process may not be read. */
  of(pid: number): number[] {
    const namespace = readProcessLink(pid, 'ns/net');
    if (namespace === null) return [];
    let listening = this.byNamespace.get(namespace);
    if (!listening) {
      listening = new Map();
      for (const table of ['tcp', 'tcp6'])
        for (const [inode, port] of parseListening(readProcessText(pid, `net/${table}`) ?? ''))
          listening.set(inode, port);
      this.byNamespace.set(namespace, listening);
    }
    if (listening.size === 0) return [];
    const ports = new Set<number>();
    for (const inode of socketInodes(pid)) {
      const port = listening.get(inode);
      if (port !== undefined) ports.add(port);
    }
    return [...ports].sort((a, b) => a - b);
  }
}

/** More open files than this are not looked at: a proxy with 100,000 connections must not hold up the list. */
const MAX_FILES = 4_096;

/** Of the sockets that it has open. */
export function* socketInodes(pid: number): Generator<string> {
  const open = readProcess(pid, (folder) => {
    try {
      return { folder, names: readdirSync(`${folder}/fd`) };
    } catch {
      return null;
    }
  });
  for (const name of open?.names.slice(0, MAX_FILES) ?? []) {
    const target = readLink(`${open?.folder}/fd/${name}`);
    if (target?.startsWith('socket:[')) yield target.slice(8, -1);
  }
}
