// What assistants in VS Code may ask: reports, hot code and comparisons of recordings, and a recording that the user has confirmed. Answers
// come from the command line, redacted as the settings say; nothing leaves the machine but through the user's own assistant.

import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import { tracerError, visibleText } from '../../../helper/src/protocol';
import { runCommandLine } from '../commandLine';
import { LanguageModelTool } from '../contributions';
import type { RecordingSession } from '../session/recordingSession';
import { assistantRedactions } from '../settings';
import type { Tracer } from '../tracer';

interface OfRecording {
  recording?: string;
}
interface OfTwo {
  before: string;
  after: string;
}
interface OfProgram {
  pid?: number;
  command?: string;
  seconds?: number;
}

const MAX_SECONDS = 300;
const DEFAULT_SECONDS = 10;

export function registerLanguageModelTools(tracer: Tracer): vscode.Disposable[] {
  const folders = () => (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const redact = () => ['--redact', assistantRedactions()];
  const cli = async (args: string[], token: vscode.CancellationToken) => {
    const abort = new AbortController();
    const subscription = token.onCancellationRequested(() => abort.abort());
    try {
      return await runCommandLine(tracer.cliScript, args, abort.signal);
    } finally {
      subscription.dispose();
    }
  };
  /** A path, a file's name in the Recordings view, or nothing: the newest one. */
  const pathOf = async (given: string | undefined) => {
    if (given !== undefined && isAbsolute(given)) return given;
    const stored = await tracer.recordings.list();
    const found =
      given === undefined ? stored[0] : stored.find(({ name, facts }) => name === given || facts?.title === given);
    if (found) return found.path;
    const [folder] = folders();
    if (given !== undefined && folder !== undefined) return join(folder, given);
    throw tracerError('NOT_A_RECORDING', given ?? vscode.l10n.t('The Recordings view'), vscode.l10n.t('there is none'));
  };
  const answer = (text: string) => new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
  const reading = <Input>(
    title: string,
    argv: (input: Input) => Promise<string[]>,
  ): vscode.LanguageModelTool<Input> => ({
    prepareInvocation: () => ({ invocationMessage: title }),
    invoke: async ({ input }, token) => answer(await cli([...(await argv(input)), ...redact()], token)),
  });
  return [
    vscode.lm.registerTool(
      LanguageModelTool.report,
      reading<OfRecording>(vscode.l10n.t('Reading a recording'), async ({ recording }) => [
        'report',
        await pathOf(recording),
      ]),
    ),
    vscode.lm.registerTool(
      LanguageModelTool.hotCode,
      reading<OfRecording>(vscode.l10n.t('Reading hot code of a recording'), async ({ recording }) => [
        'report',
        await pathOf(recording),
        ...folders().flatMap((folder) => ['--sources', folder]),
      ]),
    ),
    vscode.lm.registerTool(
      LanguageModelTool.compare,
      reading<OfTwo>(vscode.l10n.t('Comparing recordings'), async ({ before, after }) => [
        'compare',
        await pathOf(before),
        await pathOf(after),
      ]),
    ),
    vscode.lm.registerTool<OfProgram>(LanguageModelTool.record, {
      prepareInvocation: ({ input }) => ({
        invocationMessage: vscode.l10n.t('Recording'),
        confirmationMessages: { title: vscode.l10n.t('Record a program?'), message: whatIsRecorded(input) },
      }),
      invoke: async ({ input }, token) => {
        const session = await start(tracer, input);
        const stop = setTimeout(() => void session.stop(), secondsOf(input) * 1000);
        const subscription = token.onCancellationRequested(() => void session.stop());
        await session.ended;
        clearTimeout(stop);
        subscription.dispose();
        const { output } = session.subject;
        return answer(`${output}\n\n${await cli(['report', output, ...redact()], token)}`);
      },
    }),
  ];
}

const secondsOf = ({ seconds = DEFAULT_SECONDS }: OfProgram) => Math.min(MAX_SECONDS, Math.max(1, seconds));

/** The very process or command: what the user says yes to. */
export function whatIsRecorded(input: OfProgram): string {
  const seconds = secondsOf(input);
  return input.command === undefined
    ? vscode.l10n.t('Process {0} is recorded for {1} s.', input.pid ?? '?', seconds)
    : vscode.l10n.t(
        'This command is run in a terminal and recorded for {0} s: {1}',
        seconds,
        visibleText(input.command),
      );
}

async function start(tracer: Tracer, { pid, command }: OfProgram): Promise<RecordingSession> {
  if ((pid === undefined) === (command === undefined))
    throw tracerError('USAGE', vscode.l10n.t('Give a process id or a command, one of them.'));
  if (command !== undefined && !vscode.workspace.isTrusted)
    throw tracerError('USAGE', vscode.l10n.t('Commands of a folder that is not trusted are not run.'));
  if (pid !== undefined) {
    const target = { pid, title: String(pid), startAtExec: false, recorded: 'cpu' as const };
    const { startRecording } = await import('../commands/startRecording');
    const session = await startRecording(tracer, target, null);
    if (!session) throw tracerError('CANCELLED');
    return session;
  }
  const sessions = await tracer.sessions();
  const { recordCommand } = await import('../commands/recordCommand');
  return new Promise((resolve, reject) => {
    const subscription = sessions.onDidStart((session) => {
      subscription.dispose();
      resolve(session);
    });
    recordCommand(tracer, command).catch((error) => {
      subscription.dispose();
      reject(error);
    });
  });
}
