import { loadConfig } from '@clipmesh/config';
import { parseAnalyze } from './arguments/analyze.arguments.js';
import { outputOf } from './analyze/analyze.output.js';
import { readSource } from './analyze/analyze.sources.js';
import { runProgram } from './program.js';
import { addressesIn } from './stack/running.stack.js';
import { printable, writeOut } from './terminal.js';

await runProgram(async ({ stop }) => {
  const config = loadConfig();
  const args = parseAnalyze(process.argv.slice(2), { dataDir: config.dataDir, cwd: process.cwd() });
  const keys = config.apiKeys.map((pair) => pair.slice(pair.indexOf(':') + 1));
  const traces = await readSource(args.source, { signal: stop, keys, settings: addressesIn(config) });
  const text = outputOf(traces, args);
  await writeOut(args.json ? text : printable(text));
});
