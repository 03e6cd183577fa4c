import { resolve } from 'node:path';
import { GENERATION_ID } from '@clipmesh/contracts';
import { Argument, type Command } from 'commander';
import { commandLine, readCommandLine, UsageError, valueOption, whole } from '../../command.line.mjs';

const MOST_LETTERS = 1000;
/** Default length of a list. */
const LETTERS = 50;
const readSequence = whole(1);
const KINDS = ['list', 'show', 'replay'] as const;

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

interface Values {
  readonly data: string;
  readonly generation?: string;
  readonly limit: number;
  readonly after?: number;
  readonly json: boolean;
}

function readGeneration(text: string, flag: string): string {
  if (!GENERATION_ID.test(text)) throw new UsageError(`${flag} takes the id of a generation.`);
  return text;
}

const deadLettersCommand = (dataDir: string): Command =>
  commandLine(
    'npm run dead-letters --',
    'Lists the dead letters of the running stack, shows one with its body, or sends one again.',
  )
    .addArgument(new Argument('[command]', 'what to do').choices(KINDS).default('list', 'list'))
    .argument('[SEQ]', 'number of the dead letter, for show and replay')
    .addOption(valueOption('--data <DIR>', 'folder of the stack').default(dataDir, dataDir))
    .option('--json', 'prints JSON', false)
    .optionsGroup('Options of list:')
    .addOption(valueOption('--generation <ID>', 'only one generation', readGeneration))
    .addOption(
      valueOption('--limit <N>', 'at most N, 1-1000; without --after the newest', whole(1, MOST_LETTERS)).default(
        LETTERS,
      ),
    )
    .addOption(valueOption('--after <SEQ>', 'those after this one; 0 starts with the oldest', whole(0)));

/** Arguments of `dead-letters`. Throws a `UsageError` or `HelpRequested`. */
export function parseDeadLetters(
  args: readonly string[],
  defaults: { readonly dataDir: string; readonly cwd: string },
): DeadLettersArguments {
  const command = deadLettersCommand(defaults.dataDir);
  const values = readCommandLine<Values>(command, args);
  const [kind, sequence] = command.processedArgs as [(typeof KINDS)[number], string | undefined];
  const isGiven = (option: string): boolean => command.getOptionValueSource(option) === 'cli';
  const listOption = ['generation', 'limit', 'after'].find(isGiven);
  if (kind !== 'list' && listOption !== undefined)
    throw new UsageError(`--${listOption} is an option of list, not of ${kind}.`);
  return {
    command:
      kind === 'list' ? listOf(values, sequence) : { kind, sequence: readSequence(sequence ?? '', `${kind} SEQ`) },
    dataDir: resolve(defaults.cwd, values.data),
    json: values.json,
  };
}

function listOf({ limit, generation, after }: Values, sequence: string | undefined): ListCommand {
  if (sequence !== undefined) throw new UsageError('list takes no number; show SEQ and replay SEQ do.');
  return {
    kind: 'list',
    limit,
    ...(generation === undefined ? {} : { generationId: generation }),
    ...(after === undefined ? {} : { after }),
  };
}
