import { loadConfig } from '@clipmesh/config';
import { loadModels, publishedSchemas } from '@clipmesh/providers';
import { chosenModels, parseModels } from './arguments/models.arguments.js';
import { checkModels, problemOf } from './models/models.check.js';
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
  const checked = await checkModels(models, (entry) => publishedSchemas(config, entry, stop));
  stop.throwIfAborted();
  await show(checked, checkText(checked));
  const problem = problemOf(checked);
  if (problem !== undefined) throw new Error(problem);
});
