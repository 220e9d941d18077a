// Entry of the process that downloads debug files (bundle: dist/debuginfod.js), started by downloads.ts only where the user
// named servers. It talks to strangers, so it is no part of the helper: it has the user's rights and no capability, writes
// nothing but the file asked for, and ends with the helper. Protocol: debuginfod(8), "WEBAPI".

import { closeSync, mkdirSync, openSync, readdirSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dropAllCapabilities } from '../../privilege/capabilities';
import { DOWNLOAD_SILENCE_MS, DOWNLOAD_TIMEOUT_MS, MAX_DOWNLOAD_BYTES, MAX_DOWNLOADS_BYTES } from '../limits';
import type { DownloadNews, DownloadRequest } from './messages';

const PROGRESS_EVERY_MS = 1_000;
const NOT_FOUND = 404;

dropAllCapabilities();
process.on('disconnect', () => process.exit(0));
process.on('message', (request: DownloadRequest) => void answer(request));

const say = (news: DownloadNews) => process.send?.(news);

async function answer({ buildId, urls, folder }: DownloadRequest): Promise<void> {
  const reasons: string[] = [];
  for (const url of urls) {
    try {
      const found = await download(url, buildId, folder);
      if (found === null) continue;
      say({ buildId, kind: 'done', ...found, why: null });
      return;
    } catch (error) {
      reasons.push(`${url}: ${reasonOf(error)}`);
    }
  }
  say({ buildId, kind: 'done', path: null, receivedBytes: 0, why: reasons.join('; ') || null });
}

/** Null where the server has no such file. Throws where it should have, but did not give it whole. */
async function download(
  url: string,
  buildId: string,
  folder: string,
): Promise<{ path: string; receivedBytes: number } | null> {
  const ending = new AbortController();
  const end = (why: string) => ending.abort(new Error(why));
  const whole = setTimeout(() => end(`took longer than ${DOWNLOAD_TIMEOUT_MS / 1000} s`), DOWNLOAD_TIMEOUT_MS);
  const silence = setTimeout(() => end(`silent for ${DOWNLOAD_SILENCE_MS / 1000} s`), DOWNLOAD_SILENCE_MS);
  let temporary: string | null = null;
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/buildid/${buildId}/debuginfo`, {
      // What is counted is what is stored.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'universal-ebpf-tracer' },
      signal: ending.signal,
    });
    if (response.status === NOT_FOUND) return null;
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
    const { headers } = response;
    // A length that counts compressed bytes says nothing here.
    const length = headers.has('content-encoding') ? null : headers.get('content-length');
    const totalBytes = Number(length ?? headers.get('x-debuginfod-size') ?? 0);
    if (totalBytes > MAX_DOWNLOAD_BYTES) throw new Error(tooLarge());
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${buildId}.debug`);
    temporary = `${path}.${process.pid}.new`;
    const fd = openSync(temporary, 'wx', 0o600);
    let receivedBytes = 0;
    let saidMs = 0;
    try {
      for await (const piece of response.body as AsyncIterable<Uint8Array>) {
        silence.refresh();
        receivedBytes += piece.length;
        if (receivedBytes > MAX_DOWNLOAD_BYTES) throw new Error(tooLarge());
        for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
        if (performance.now() - saidMs < PROGRESS_EVERY_MS) continue;
        saidMs = performance.now();
        say({ buildId, kind: 'progress', url, receivedBytes, totalBytes });
      }
    } finally {
      closeSync(fd);
    }
    if (receivedBytes === 0 || (totalBytes > 0 && receivedBytes < totalBytes))
      throw new Error('gave a part of it only');
    makeRoom(folder, receivedBytes);
    renameSync(temporary, path);
    temporary = null;
    return { path, receivedBytes };
  } finally {
    clearTimeout(whole);
    clearTimeout(silence);
    ending.abort();
    if (temporary !== null) remove(temporary);
  }
}

/** Deletes what was used longest ago until the new file fits, and what killed runs left behind. */
function makeRoom(folder: string, neededBytes: number): void {
  const hourAgoMs = Date.now() - 3_600_000;
  const files = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
    return [{ path, sizeBytes: size, mtimeMs, isLeft: !name.endsWith('.debug') && mtimeMs < hourAgoMs }];
  });
  let heldBytes = neededBytes;
  for (const file of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    if (!file.isLeft && file.path.endsWith('.debug')) heldBytes += file.sizeBytes;
    if (file.isLeft || (file.path.endsWith('.debug') && heldBytes > MAX_DOWNLOADS_BYTES)) remove(file.path);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another run was faster.
  }
}

function tooLarge(): string {
  return `is larger than ${MAX_DOWNLOAD_BYTES / (1 << 20)} MiB`;
}

/** fetch hides the reason behind "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
