// What `ebpf-tracer http` writes beside its result: each exporter that an option asks for, opened before anything is traced and given
// all that was found at the end. One that fails takes nothing from the others.

import { checkOutput, writeAtomically } from '../export/outputFile';
import { readRecording } from '../export/readRecording';
import { HTTP_EXPORTERS } from '../http/exporters';
import type { ExportFile, HttpExport, HttpExporter, OpenExport } from '../http/exporters/types';
import {
  type ErrorReport,
  type HelperNotes,
  type HttpLive,
  type HttpSection,
  type RecordSummary,
  TRACER_VERSION,
  toErrorReport,
} from '../protocol';
import type { ParsedArguments } from './arguments';

export class HttpExports {
  private constructor(
    private readonly chosen: readonly HttpExporter[],
    private readonly opened: readonly OpenExport[],
  ) {}

  /** Throws TracerError; nothing is left open then. */
  static async open({ options }: ParsedArguments): Promise<HttpExports> {
    const chosen = HTTP_EXPORTERS.filter(({ option }) => options.has(option));
    const opened: OpenExport[] = [];
    try {
      for (const exporter of chosen) opened.push(await exporter.open(options.get(exporter.option)![0]));
    } catch (error) {
      await new HttpExports(chosen, opened).close();
      throw error;
    }
    return new HttpExports(chosen, opened);
  }

  get wantsAllRows(): boolean {
    return this.chosen.some(({ allRowsLive }) => allRowsLive);
  }

  private get files(): ExportFile[] {
    return this.opened.flatMap(({ files }) => files ?? []);
  }

  /** Throws where a file stands that is not ours, or none can be made. */
  async check(): Promise<void> {
    for (const { path, isOurs } of this.files) await checkOutput(path, isOurs);
  }

  progress(live: HttpLive, { health }: HelperNotes['record/progress']): void {
    const helper = { cpuMs: health.helperCpuMs, rssBytes: health.helperRssBytes, bpfNs: health.bpfNs };
    for (const one of this.opened) one.progress?.(live, helper);
  }

  /** Paths of what was written, and what failed. */
  async finish(summary: RecordSummary, title: string): Promise<{ written: string[]; failed: ErrorReport[] }> {
    const written: string[] = [];
    const failed: ErrorReport[] = [];
    if (!this.opened.some(({ files, finish }) => files || finish)) return { written, failed };
    const attempt = async (action: () => Promise<void>) => {
      try {
        await action();
      } catch (error) {
        failed.push(toErrorReport(error));
      }
    };
    let found: HttpExport | null = null;
    await attempt(async () => {
      const section = (await readRecording(summary.output)).ebpfTracer!.sections!.http as HttpSection;
      const startedNs = section.clock.monotonicNs - summary.durationMs * 1e6;
      found = { section, title, startedNs, tracerVersion: TRACER_VERSION };
    });
    if (!found) return { written, failed };
    const facts: HttpExport = found;
    for (const { path, isOurs, pieces } of this.files)
      await attempt(async () => {
        await checkOutput(path, isOurs);
        await writeAtomically(path, await pieces(facts));
        written.push(path);
      });
    for (const { finish } of this.opened) if (finish) await attempt(() => finish(facts));
    return { written, failed };
  }

  async close(): Promise<void> {
    for (const one of this.opened) await one.close?.();
  }
}
