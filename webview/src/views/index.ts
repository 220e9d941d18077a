// All views beside the flame graph, in the order of their tabs. The first one stands there where none was chosen.

import { CONTEXT_KINDS } from '../contextKinds';
import { CallTree } from './callTree';
import { ChangesTable } from './changesTable';
import { ContextTable } from './contextTable';
import { FunctionTable } from './functionTable';
import { HttpView } from './http/httpView';
import type { MakeView } from './view';

export const VIEWS: readonly MakeView[] = [
  (host, select, menu) => new FunctionTable(host, select, menu),
  (host, select, menu) => new CallTree(host, select, menu),
  (host, _select, _menu, showMoments) => new HttpView(host, showMoments),
  (host, select) => new ChangesTable(host, select),
  ...Object.values(CONTEXT_KINDS).map(
    (words): MakeView =>
      (host, select) =>
        new ContextTable(words(), host, select),
  ),
];
