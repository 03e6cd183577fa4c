import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HelpRequested, UsageError } from './arguments.js';

export type TraceSource =
  | { readonly kind: 'generation'; readonly id: string; readonly dataDir: string }
  | { readonly kind: 'jaeger-trace'; readonly url: string; readonly traceId: string }
  | { readonly kind: 'jaeger-service'; readonly url: string; readonly service: string; readonly last: number }
  | { readonly kind: 'file'; readonly path: string };
export interface AnalyzeArguments {
  readonly source: TraceSource;
  readonly json: boolean;
  /** Use Jaeger's definition of the critical path: as text it replaces the report, as JSON it replaces the report's path. */
  readonly compat: boolean;
}

const DEFAULT_LAST = 20;
const MOST_TRACES = 1000;
const TEXTS = ['generation', 'data', 'jaeger', 'trace', 'service', 'last', 'file', 'compat'] as const;
const SOURCES = '--generation ID, --jaeger URL --trace ID, --jaeger URL --service NAME --last N, or --file F';
const HELP = `npm run analyze -- SOURCE [--json] [--compat jaeger]

Shows where the time of a generation went: what ran in parallel, the critical path, the bottleneck, and what more
workers would change. The source is one of:

  --generation ID                        a generation of the running stack (--data DIR: its folder. Default: .clipmesh)
  --jaeger URL --trace ID                one trace in Jaeger
  --jaeger URL --service NAME --last N   the last traces of a service, aggregated. Default of N: ${DEFAULT_LAST}
  --file F                               OTLP JSON or Jaeger JSON

  --json            the report as JSON
  --compat jaeger   the critical path as Jaeger's own UI defines it`;

type Values = Readonly<Partial<Record<(typeof TEXTS)[number], string>>>;

/** Options of `analyze`. Throws {@link UsageError} or {@link HelpRequested}. */
export function parseAnalyze(
  args: readonly string[],
  defaults: { readonly dataDir: string; readonly cwd: string },
): AnalyzeArguments {
  const { values, json } = read(args);
  if (values.compat !== undefined && values.compat !== 'jaeger') throw new UsageError('--compat takes jaeger.');
  return { source: sourceOf(values, defaults), json, compat: values.compat !== undefined };
}

function read(args: readonly string[]): { values: Values; json: boolean } {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, { type: 'string' } as const]));
  const options = { ...texts, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new UsageError(`${reason.replace(/\.$/, '')}; give ${SOURCES}, and --json or --compat jaeger.`);
  }
  if (values['help'] === true) throw new HelpRequested(HELP);
  const given = TEXTS.flatMap((name) => {
    const value = values[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const empty = given.find(([, value]) => value.trim() === '');
  if (empty !== undefined) throw new UsageError(`--${empty[0]} takes a value.`);
  return { values: Object.fromEntries(given), json: values['json'] === true };
}

function sourceOf(values: Values, defaults: { readonly dataDir: string; readonly cwd: string }): TraceSource {
  const { generation, jaeger, file, trace, service, last, data } = values;
  const given = [generation, jaeger, file].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw new UsageError(`${given === 0 ? 'The source is missing' : 'Give one source only'}: ${SOURCES}.`);
  }
  if (jaeger === undefined && (trace ?? service ?? last) !== undefined) {
    throw new UsageError('--trace, --service and --last need --jaeger URL.');
  }
  if (generation === undefined && data !== undefined) throw new UsageError('--data needs --generation ID.');
  if (generation !== undefined) {
    return { kind: 'generation', id: generation, dataDir: resolve(defaults.cwd, data ?? defaults.dataDir) };
  }
  if (file !== undefined) return { kind: 'file', path: resolve(defaults.cwd, file) };
  return jaegerSource(urlOf(jaeger ?? ''), trace, service, last);
}

function jaegerSource(
  url: string,
  trace: string | undefined,
  service: string | undefined,
  last: string | undefined,
): TraceSource {
  if ((trace === undefined) === (service === undefined)) {
    throw new UsageError('--jaeger takes either --trace ID, or --service NAME with --last N.');
  }
  if (trace !== undefined) {
    if (last !== undefined) throw new UsageError('--last goes with --service NAME, not with --trace.');
    if (!/^[0-9a-f]{1,32}$/i.test(trace)) throw new UsageError('--trace takes a trace id of up to 32 hex digits.');
    return { kind: 'jaeger-trace', url, traceId: trace };
  }
  const count = last === undefined ? DEFAULT_LAST : /^\d{1,4}$/.test(last) ? Number(last) : 0;
  if (count < 1 || count > MOST_TRACES) throw new UsageError(`--last takes a whole number from 1 to ${MOST_TRACES}.`);
  return { kind: 'jaeger-service', url, service: service ?? '', last: count };
}

function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('--jaeger takes the address of Jaeger, for example http://127.0.0.1:16686.');
  }
  return url.href.replace(/\/+$/, '');
}
