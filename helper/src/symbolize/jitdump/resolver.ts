// Address -> name, file and line by a jitdump. Only what is new is read, and of it the records' heads: the code itself is skipped. The
// latest record wins. The main thread opened the file, and says how much of it counts.

import { readSync } from 'node:fs';
import { Cursor } from '../../bytes/cursor';
import { MAX_NAME_BYTES } from '../../bytes/limits';
import { rangeAt, withLater } from '../codeRanges';
import { MAX_DUMP_BYTES, MAX_DUMP_LINE_BYTES, MAX_DUMP_RECORDS } from '../limits';
import { nowhere, type Place } from '../place';
import { Witnesses } from '../witnesses';
import {
  DEBUG_BYTES,
  DEBUG_INFO,
  HEADER_BYTES,
  headerBytes,
  LOAD,
  LOAD_BYTES,
  MOVE,
  MOVE_BYTES,
  parseDebug,
  parseLines,
  parseLoad,
  parseMove,
  parseRecordHeader,
  RECORD_HEADER_BYTES,
} from './parser';
import type { DebugRecord, DumpedFunction, LineEntry, LoadedCode } from './types';
import { placeByName, shiftOf } from './v8Names';

/** A record's head, and all of most records. */
const WINDOW_BYTES = 256 * 1024;
const HEAD_BYTES = RECORD_HEADER_BYTES + Math.max(LOAD_BYTES + MAX_NAME_BYTES, MOVE_BYTES);
const MAX_KEPT_LINES = 256;

export class JitDump {
  /** Ordered by start, without overlaps. */
  private functions: DumpedFunction[] = [];
  private byIndex = new Map<number, DumpedFunction>();
  private lines = new Map<LoadedCode, LineEntry[]>();
  /** Written before the code that it belongs to. */
  private debug: { start: number; record: DebugRecord } | null = null;
  private readBytes = 0;
  private records = 0;
  private witnesses: Witnesses;
  private window = { offset: 0, bytes: Buffer.alloc(0) };
  problem: string | null = null;

  constructor(private readonly fd: number) {
    this.witnesses = new Witnesses(fd);
  }

  /** Takes in the records that are whole before `sizeBytes`. Throws FormatError where it is no jitdump. */
  update(sizeBytes: number): void {
    if (sizeBytes < this.readBytes || !this.witnesses.stillThere()) this.startAnew();
    this.window = { offset: 0, bytes: Buffer.alloc(0) };
    const until = Math.min(sizeBytes, MAX_DUMP_BYTES);
    if (until < sizeBytes) this.problem = `only the first ${MAX_DUMP_BYTES} bytes are used`;
    if (this.readBytes === 0) {
      if (until < HEADER_BYTES) return;
      const header = this.at(0, HEADER_BYTES);
      const end = headerBytes(header);
      if (end > until) return;
      this.witnesses.read(header, 0);
      this.readBytes = end;
    }
    const added: DumpedFunction[] = [];
    while (this.readBytes + RECORD_HEADER_BYTES <= until) {
      if (this.records++ > MAX_DUMP_RECORDS) {
        this.problem = `only the first ${MAX_DUMP_RECORDS} records are used`;
        break;
      }
      const head = this.at(this.readBytes, Math.min(HEAD_BYTES, until - this.readBytes));
      if (head.length < RECORD_HEADER_BYTES) break;
      const { id, sizeBytes: recordBytes } = parseRecordHeader(new Cursor(head));
      if (recordBytes < RECORD_HEADER_BYTES) {
        this.problem = `a record at byte ${this.readBytes} is damaged: what follows is not used`;
        break;
      }
      // The rest is still being written.
      if (this.readBytes + recordBytes > until) break;
      this.witnesses.read(head.subarray(0, Math.min(recordBytes, RECORD_HEADER_BYTES + LOAD_BYTES)), this.readBytes);
      this.take(id, new Cursor(head, RECORD_HEADER_BYTES, Math.min(recordBytes, head.length)), recordBytes, added);
      this.readBytes += recordBytes;
    }
    this.functions = withLater(this.functions, added);
    this.window = { offset: 0, bytes: Buffer.alloc(0) };
  }

  placesAt(address: number): Place[] {
    const found = rangeAt(this.functions, address);
    if (!found?.code) return [];
    const { name } = found.code;
    const byName = placeByName(name);
    const place = { ...nowhere(null), name, functionFile: byName?.file ?? null, functionLine: byName?.line ?? null };
    const offset = address - found.start;
    const entry = this.linesOf(found).findLast((line) => line.offset <= offset);
    if (!entry || entry.line === 0) return [place];
    return [
      { ...place, file: entry.file ?? place.functionFile, line: entry.line, column: entry.discriminator || null },
    ];
  }

  private take(id: number, body: Cursor, recordBytes: number, added: DumpedFunction[]): void {
    const bodyBytes = recordBytes - RECORD_HEADER_BYTES;
    if (id === LOAD && bodyBytes >= LOAD_BYTES) {
      const { start, sizeBytes, index, name } = parseLoad(body);
      const lines = this.debug?.start === start ? this.debug.record : null;
      this.debug = null;
      if (name === '' || !isRange(start, sizeBytes)) return;
      const loaded = { start, end: start + sizeBytes, code: { firstStart: start, name, lines } };
      this.byIndex.set(index, loaded);
      added.push(loaded);
    } else if (id === MOVE && bodyBytes >= MOVE_BYTES) {
      const { from, to, sizeBytes, index } = parseMove(body);
      const moved = this.byIndex.get(index);
      if (!moved?.code || moved.start !== from || !isRange(to, sizeBytes)) return;
      const there = { start: to, end: to + sizeBytes, code: moved.code };
      this.byIndex.set(index, there);
      added.push({ ...moved, code: null }, there);
    } else if (id === DEBUG_INFO && bodyBytes >= DEBUG_BYTES) {
      const { start, entries } = parseDebug(body);
      const offset = this.readBytes + RECORD_HEADER_BYTES + DEBUG_BYTES;
      this.debug = { start, record: { offset, sizeBytes: bodyBytes - DEBUG_BYTES, entries } };
    }
  }

  private linesOf({ start, end, code }: DumpedFunction): LineEntry[] {
    if (!code?.lines) return [];
    const known = this.lines.get(code);
    if (known) return known;
    const { offset, sizeBytes, entries } = code.lines;
    const bytes = Buffer.alloc(Math.min(sizeBytes, MAX_DUMP_LINE_BYTES));
    const got = readSync(this.fd, bytes, 0, bytes.length, offset);
    const count = Math.min(entries, sizeBytes);
    const shiftBytes = shiftOf(code.name);
    const lines = parseLines(bytes.subarray(0, got), count, code.firstStart, end - start, shiftBytes);
    if (this.lines.size === MAX_KEPT_LINES) this.lines.clear();
    this.lines.set(code, lines);
    return lines;
  }

  /** Bytes of the file, fewer at its end. */
  private at(offset: number, sizeBytes: number): Buffer {
    const within = offset - this.window.offset;
    if (within < 0 || within + sizeBytes > this.window.bytes.length) {
      const bytes = Buffer.allocUnsafe(WINDOW_BYTES);
      this.window = { offset, bytes: bytes.subarray(0, readSync(this.fd, bytes, 0, bytes.length, offset)) };
    }
    const from = offset - this.window.offset;
    return this.window.bytes.subarray(from, from + sizeBytes);
  }

  private startAnew(): void {
    this.functions = [];
    this.byIndex = new Map();
    this.lines = new Map();
    this.debug = null;
    this.readBytes = 0;
    this.records = 0;
    this.witnesses = new Witnesses(this.fd);
    this.problem = null;
  }
}

function isRange(start: number, sizeBytes: number): boolean {
  return start > 0 && start < Number.MAX_SAFE_INTEGER && sizeBytes > 0 && sizeBytes < 2 ** 32;
}
