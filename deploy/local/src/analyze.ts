import { loadConfig } from '@clipmesh/config';
import { parseAnalyze } from './analyze.arguments.js';
import { outputOf } from './analyze.output.js';
import { readSource } from './analyze.sources.js';
import { runProgram } from './program.js';

await runProgram(async ({ stop }) => {
  const config = loadConfig();
  const args = parseAnalyze(process.argv.slice(2), { dataDir: config.dataDir, cwd: process.cwd() });
  const keys = config.apiKeys.map((pair) => pair.slice(pair.indexOf(':') + 1));
  const traces = await readSource(args.source, { signal: stop, keys });
  const text = `${outputOf(traces, args)}\n`;
  // A pipe takes a long report in pieces; the program must not end before the last one.
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
});
