import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GENERATION_ID } from '@clipmesh/contracts';
import { HelpRequested, UsageError } from './arguments.js';

const HELP = `npm run dead-letters -- list | show SEQ | replay SEQ [options]

Lists the dead letters of the running stack, shows one with its body, or sends one again.

  --data DIR       folder of the stack. Default: .clipmesh
  --generation ID  list: only one generation
  --limit N        list: at most N, 1-1000; without --after the newest. Default: 50
  --after SEQ      list: those after this one; 0 starts with the oldest
  --json           prints JSON`;

export interface ListCommand {
  readonly kind: 'list';
  readonly limit: number;
  readonly generationId?: string;
  readonly after?: number;
}
export type DeadLettersCommand = ListCommand | { readonly kind: 'show' | 'replay'; readonly sequence: number };

export interface DeadLettersArguments {
  readonly command: DeadLettersCommand;
  readonly dataDir: string;
  readonly json: boolean;
}

function wholeFrom(what: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${what} is a whole number from ${least} to ${most}.`);
}
const positive = (what: string, text: string, most: number): number => wholeFrom(what, text, 1, most);

/** How many dead letters a list leaves out, and the command that shows them. Empty when it shows all. */
export function moreText(
  {
    letters,
    older,
    newer,
  }: { readonly letters: readonly { readonly sequence: number }[]; readonly older: number; readonly newer: number },
  { generationId, limit, after }: ListCommand,
): string {
  const rest = `${generationId === undefined ? '' : ` --generation ${generationId}`} --limit ${limit}`;
  const command = (from: number): string => `npm run dead-letters -- list --after ${from}${rest}`;
  const last = letters.at(-1)?.sequence ?? after ?? 0;
  return [
    ...(older > 0 && after === undefined ? [`${older} older ones are not shown: ${command(0)}`] : []),
    ...(newer > 0 ? [`${newer} more follow: ${command(last)}`] : []),
  ].join('\n');
}

/** Options of `dead-letters`. Throws {@link UsageError}. */
export function parseDeadLetters(
  args: readonly string[],
  defaults: { readonly dataDir: string; readonly cwd: string },
): DeadLettersArguments {
  const { values, positionals } = read(args);
  if (values.help === true) throw new HelpRequested(HELP);
  if (values.data?.trim() === '') throw new UsageError('--data takes a value.');
  return {
    command: commandOf(positionals, values),
    dataDir: resolve(defaults.cwd, values.data ?? defaults.dataDir),
    json: values.json ?? false,
  };
}

interface Values {
  readonly data?: string | undefined;
  readonly generation?: string | undefined;
  readonly limit?: string | undefined;
  readonly after?: string | undefined;
  readonly json?: boolean | undefined;
  readonly help?: boolean | undefined;
}

function read(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        generation: { type: 'string' },
        limit: { type: 'string' },
        after: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch {
    throw new UsageError('The options are --data, --generation, --limit, --after and --json, each with its value.');
  }
}

function commandOf(positionals: readonly string[], { generation, limit, after }: Values): DeadLettersCommand {
  const [kind = 'list', sequence, ...more] = positionals;
  if (more.length > 0) throw new UsageError('One command at a time: list, show SEQ or replay SEQ.');
  if (kind === 'list') {
    if (sequence !== undefined) throw new UsageError('list takes no number; show SEQ and replay SEQ do.');
    if (generation !== undefined && !GENERATION_ID.test(generation))
      throw new UsageError('--generation takes the id of a generation.');
    return {
      kind,
      limit: limit === undefined ? 50 : positive('--limit', limit, 1000),
      ...(generation === undefined ? {} : { generationId: generation }),
      ...(after === undefined ? {} : { after: wholeFrom('--after', after, 0, Number.MAX_SAFE_INTEGER) }),
    };
  }
  if (kind === 'show' || kind === 'replay') {
    if (generation !== undefined || limit !== undefined || after !== undefined)
      throw new UsageError('--generation, --limit and --after belong to list.');
    return { kind, sequence: positive('SEQ', sequence ?? '', Number.MAX_SAFE_INTEGER) };
  }
  throw new UsageError('The commands are list, show SEQ and replay SEQ.');
}
