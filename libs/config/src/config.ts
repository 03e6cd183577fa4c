import { join, resolve } from 'node:path';
import { type z } from 'zod';
import { type Setting } from './setting.kinds.js';
import { SETTINGS } from './settings.js';

type Raw = { readonly [Key in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Key]['schema']> };
/** Every setting, validated and frozen. Paths are absolute. */
export type Config = Omit<Raw, 'artifactsDir' | 'tempDir' | 'modelsFile'> & {
  /** Price of the language model, micro-dollars per million tokens. Undefined: not configured. */
  readonly llmPrice: { readonly inputMicros: number; readonly outputMicros: number } | undefined;
  /** Price of speech, micro-dollars per million characters or per minute. Undefined: not configured. */
  readonly speechPrice: { readonly per: 'character' | 'minute'; readonly micros: number } | undefined;
  readonly artifactsDir: string;
  readonly tempDir: string;
  readonly modelsFile: string | undefined;
};

/** The environment is not valid. The message names every invalid variable and what it accepts, never a value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the configuration is not valid: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

/** Each first setting must be longer than all the others of its row; its description says why. */
const LONGER = [['cacheLeaseMs', ['ackWaitMs', 'videoRetryMaxMs', 'llmRetryMaxMs']]] as const;

function tooShort(raw: Raw): string[] {
  return LONGER.flatMap(([key, others]) => {
    const among = others.filter((other) => raw[key] <= raw[other]).map((other) => SETTINGS[other].variable);
    return among.length === 0 ? [] : [`${SETTINGS[key].variable}: expected longer than ${among.join(' and ')}`];
  });
}

/** Reads all settings. An empty variable counts as unset. Throws {@link ConfigError} that lists all problems. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, { variable, schema }] of Object.entries<Setting>(SETTINGS)) {
    const given = env[variable];
    const parsed = schema.safeParse(given === '' ? undefined : given);
    if (parsed.success) values[key] = parsed.data;
    else problems.push(`${variable}: ${parsed.error.issues.map(({ message }) => message).join(', ')}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const raw = values as Raw;
  const short = tooShort(raw);
  if (short.length > 0) throw new ConfigError(short);
  const { llmInputPriceMicros: inputMicros, llmOutputPriceMicros: outputMicros } = raw;
  if ((inputMicros === undefined) !== (outputMicros === undefined))
    throw new ConfigError(['LLM_INPUT_PRICE_USD_PER_MTOK, LLM_OUTPUT_PRICE_USD_PER_MTOK: expected both or none']);
  const { speechMcharPriceMicros: perMchar, speechMinutePriceMicros: perMinute } = raw;
  if (perMchar !== undefined && perMinute !== undefined)
    throw new ConfigError(['SPEECH_PRICE_USD_PER_MCHAR, SPEECH_PRICE_USD_PER_MINUTE: expected at most one']);
  const dataDir = resolve(raw.dataDir);
  return Object.freeze({
    ...raw,
    speechPrice:
      perMchar !== undefined
        ? { per: 'character' as const, micros: perMchar }
        : perMinute === undefined
          ? undefined
          : { per: 'minute' as const, micros: perMinute },
    llmPrice: inputMicros === undefined || outputMicros === undefined ? undefined : { inputMicros, outputMicros },
    dataDir,
    artifactsDir: resolve(raw.artifactsDir ?? join(dataDir, 'artifacts')),
    tempDir: resolve(raw.tempDir ?? join(dataDir, 'tmp')),
    modelsFile: raw.modelsFile === undefined ? undefined : resolve(raw.modelsFile),
  });
}

/** The text of `.env.example`: every variable with its description and default. */
export function envExample(): string {
  const lines = Object.values<Setting>(SETTINGS).map(({ variable, fallback, doc }) =>
    fallback === undefined || fallback === '' ? `# ${doc}\n# ${variable}=\n` : `# ${doc}\n${variable}=${fallback}\n`,
  );
  return `# Every setting of Clipmesh with its default. Copy this file to .env and change what you need.\n\n${lines.join('\n')}`;
}

/** The table of docs/configuration.md: every variable, in the order of {@link SETTINGS}. */
export function settingsTable(): string {
  const rows = Object.entries<Setting>(SETTINGS).map(([key, { variable, fallback, doc, secret }]) => {
    const shown = fallback === undefined || fallback === '' ? '' : `\`${fallback.replaceAll(',', ', ')}\``;
    return `| \`${variable}\` | ${shown} | ${secret ? 'Secret. ' : ''}${doc.replaceAll('|', '\\|')} | \`${key}\` |`;
  });
  return ['| variable | default | meaning | key |', '|---|---|---|---|', ...rows, ''].join('\n');
}
