import { Argument, type Command } from 'commander';
import { commandLine, readCommandLine, UsageError, valueOption } from '../../command.line.mjs';

const KINDS = ['list', 'check'] as const;

export interface ModelsArguments {
  readonly kind: (typeof KINDS)[number];
  /** Only this model. Undefined: all. */
  readonly model: string | undefined;
  readonly json: boolean;
}
interface Values {
  readonly model?: string;
  readonly json: boolean;
}

const modelsCommand = (): Command =>
  commandLine(
    'npm run models --',
    'Lists the video models with their prices, or compares them with the input schemas that their providers publish now. Both include MODELS_FILE. check ends with exit code 1 when a model differs or cannot be read.',
  )
    .addArgument(new Argument('[command]', 'what to do').choices(KINDS).default('list', 'list'))
    .addOption(valueOption('--model <ID>', 'only one model'))
    .option('--json', 'prints JSON', false);

/** Arguments of `models`. Throws a `UsageError` or `HelpRequested`. */
export function parseModels(args: readonly string[]): ModelsArguments {
  const command = modelsCommand();
  const { model, json } = readCommandLine<Values>(command, args);
  const [kind] = command.processedArgs as [ModelsArguments['kind']];
  return { kind, model, json };
}

/** The chosen models. Throws a `UsageError` for an unknown one. */
export function chosenModels<T extends { readonly id: string }>(
  models: ReadonlyMap<string, T>,
  id: string | undefined,
): T[] {
  if (id === undefined) return [...models.values()];
  const found = models.get(id);
  if (found === undefined) throw new UsageError(`There is no model ${id}; npm run models -- list names all.`);
  return [found];
}
