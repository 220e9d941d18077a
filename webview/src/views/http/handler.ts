// The function that answers a route, as a link to its source.
import * as l10n from '@vscode/l10n';
import { type HttpHandler, visibleText } from '../../../../helper/src/protocol';
import type { Host } from '../../host';
import { isMissing, type SourceLink } from '../../sourceLinks';

export function placeOf({ file, line, evidence, confidence, ...handler }: HttpHandler): SourceLink {
  const path = visibleText(`${file}:${line}`);
  const opens = !isMissing(file);
  const about = [
    handler.function,
    opens ? path : l10n.t('{0} (not on this machine)', path),
    sureness(confidence),
    ...evidence,
  ];
  return { file: visibleText(file.slice(file.lastIndexOf('/') + 1) || file), title: about.join('\n'), line, opens };
}

export const sureness = (confidence: number): string => l10n.t('{0} % sure', String(Math.round(confidence * 100)));

export function openHandler(
  host: Host,
  { file, line }: HttpHandler,
  event: Pick<MouseEvent | KeyboardEvent, 'altKey'>,
): void {
  host.send({ type: 'openFile', file, line, beside: !event.altKey });
}
