// All views beside the flame graph, in the order of their tabs. The first one stands there where none was chosen.
import { CallTree } from './callTree';
import { FunctionTable } from './functionTable';
import { GoroutineTable } from './goroutineTable';
import type { MakeView } from './view';

export const VIEWS: readonly MakeView[] = [
  (host, select) => new FunctionTable(host, select),
  (host, select) => new CallTree(host, select),
  (host, select) => new GoroutineTable(host, select),
];
