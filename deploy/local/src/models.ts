import { loadConfig } from '@clipmesh/config';
import { loadModels, readReplicateSchemas } from '@clipmesh/providers';
import { chosenModels, parseModels } from './arguments/models.arguments.js';
import { checkModels, failedOf, type SchemaReaders } from './models/models.check.js';
import { checkText, modelsText } from './models/models.text.js';
import { runProgram } from './program.js';
import { printable, writeOut } from './terminal.js';

await runProgram(async ({ stop }) => {
  const args = parseModels(process.argv.slice(2));
  const config = loadConfig();
  const models = chosenModels(await loadModels(config.modelsFile), args.model);
  const show = async (value: unknown, text: string): Promise<void> => {
    await writeOut(args.json ? JSON.stringify(value, null, 2) : printable(text));
  };
  if (args.kind === 'list') {
    await show(models, modelsText(models));
    return;
  }
  const { replicateApiToken: token, replicateBaseUrl: baseUrl, providerCallTimeoutMs: timeoutMs } = config;
  if (token === undefined && models.some(({ provider }) => provider === 'replicate'))
    throw new Error('REPLICATE_API_TOKEN is not set, and Replicate shows its schemas only with a token.');
  const readers: SchemaReaders = new Map(
    token === undefined
      ? []
      : [['replicate', (target: string) => readReplicateSchemas(target, { baseUrl, token, timeoutMs }, stop)]],
  );
  const checked = await checkModels(models, readers);
  stop.throwIfAborted();
  await show(checked, checkText(checked));
  const failed = failedOf(checked).length;
  if (failed > 0) throw new Error(`${failed} of ${checked.length} models differ from their providers.`);
});
