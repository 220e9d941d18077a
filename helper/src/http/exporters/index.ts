// THE table of exporters. Each is loaded when its option is given.

import { HAR } from './har';
import { JSON_LINES } from './jsonLines';
import { OTLP } from './otlp';
import { PROMETHEUS } from './prometheus';
import type { HttpExporter } from './types';

export const HTTP_EXPORTERS: readonly HttpExporter[] = [HAR, JSON_LINES, OTLP, PROMETHEUS];
