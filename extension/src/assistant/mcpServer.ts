// Offers the MCP server (`ebpf-tracer mcp`) to VS Code, which has such servers from 1.101 on; older ones know nothing of it and get nothing.
// The server is told the folders that are open and what the settings redact; it records only what the user confirms there.

import * as vscode from 'vscode';
import { TRACER_VERSION } from '../../../helper/src/protocol';
import { MCP_PROVIDER } from '../contributions';
import { assistantRedactions } from '../settings';
import type { Tracer } from '../tracer';

/** As far as they are used here; the types of 1.96 do not have them (vscode.d.ts of 1.101). */
interface Since1101 {
  lm: {
    registerMcpServerDefinitionProvider?(
      id: string,
      provider: { provideMcpServerDefinitions(): unknown[] },
    ): vscode.Disposable;
  };
  McpStdioServerDefinition?: new (
    label: string,
    command: string,
    args: string[],
    env: Record<string, string>,
    version: string,
  ) => unknown;
}

export function offerMcpServer(tracer: Tracer): vscode.Disposable[] {
  const { lm, McpStdioServerDefinition: Definition } = vscode as unknown as Since1101;
  if (!lm.registerMcpServerDefinitionProvider || !Definition) return [];
  const provideMcpServerDefinitions = () => {
    const folders = [
      ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
      tracer.recordings.folder,
    ];
    const args = ['mcp', ...folders.flatMap((folder) => ['--folder', folder]), '--redact', assistantRedactions()];
    const label = vscode.l10n.t('Recordings of the eBPF Tracer');
    return [
      new Definition(
        label,
        process.execPath,
        [tracer.cliScript, ...args],
        { ELECTRON_RUN_AS_NODE: '1' },
        TRACER_VERSION,
      ),
    ];
  };
  return [lm.registerMcpServerDefinitionProvider(MCP_PROVIDER, { provideMcpServerDefinitions })];
}
