import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { commandLine, readCommandLine, UsageError, valueOption, whole } from '../../command.line.mjs';

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
const SOURCES = '--generation ID, --jaeger URL --trace ID, --jaeger URL --service NAME --last N, or --file F';
const DOES = `Shows where the time of a generation went: what ran in parallel, the critical path, the bottleneck, and what more workers would change. The source is ${SOURCES}.`;

interface Values {
  readonly generation?: string;
  readonly data?: string;
  readonly jaeger?: string;
  readonly trace?: string;
  readonly service?: string;
  readonly last?: number;
  readonly file?: string;
  readonly json: boolean;
  readonly compat?: string;
}
export interface AnalyzeDefaults {
  readonly dataDir: string;
  readonly cwd: string;
}

const analyzeCommand = (dataDir: string): Command =>
  commandLine('npm run analyze --', DOES)
    .usage('SOURCE [--json] [--compat jaeger]')
    .optionsGroup('A generation of the running stack:')
    .addOption(valueOption('--generation <ID>', 'the generation'))
    .addOption(valueOption('--data <DIR>', `folder of the stack (default: ${dataDir})`))
    .optionsGroup('Traces in Jaeger:')
    .addOption(valueOption('--jaeger <URL>', 'address of Jaeger, for example http://127.0.0.1:16686'))
    .addOption(valueOption('--trace <ID>', 'one trace'))
    .addOption(valueOption('--service <NAME>', 'the last traces of a service, aggregated'))
    .addOption(
      valueOption(
        '--last <N>',
        `number of traces of the service, 1-${MOST_TRACES} (default: ${DEFAULT_LAST})`,
        whole(1, MOST_TRACES),
      ),
    )
    .optionsGroup('A file:')
    .addOption(valueOption('--file <F>', 'OTLP JSON or Jaeger JSON'))
    .optionsGroup('Output:')
    .option('--json', 'the report as JSON', false)
    .addOption(new Option('--compat <jaeger>', "the critical path as Jaeger's own UI defines it").choices(['jaeger']));

/** Arguments of `analyze`. Throws a `UsageError` or `HelpRequested`. */
export function parseAnalyze(args: readonly string[], defaults: AnalyzeDefaults): AnalyzeArguments {
  const { json, compat, ...source } = readCommandLine<Values>(analyzeCommand(defaults.dataDir), args);
  return { source: sourceOf(source, defaults), json, compat: compat !== undefined };
}

function sourceOf(values: Omit<Values, 'json' | 'compat'>, defaults: AnalyzeDefaults): TraceSource {
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
  return jaegerSource(urlOf(jaeger ?? ''), values);
}

function jaegerSource(url: string, { trace, service, last }: Pick<Values, 'trace' | 'service' | 'last'>): TraceSource {
  if ((trace === undefined) === (service === undefined)) {
    throw new UsageError('--jaeger takes either --trace ID, or --service NAME with --last N.');
  }
  if (trace !== undefined) {
    if (last !== undefined) throw new UsageError('--last goes with --service NAME, not with --trace.');
    if (!/^[0-9a-f]{1,32}$/i.test(trace)) throw new UsageError('--trace takes a trace id of up to 32 hex digits.');
    return { kind: 'jaeger-trace', url, traceId: trace };
  }
  return { kind: 'jaeger-service', url, service: service ?? '', last: last ?? DEFAULT_LAST };
}

function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('--jaeger takes the address of Jaeger, for example http://127.0.0.1:16686.');
  }
  return url.href.replace(/\/+$/, '');
}
