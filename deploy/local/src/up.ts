import { once } from 'node:events';
import { loadConfig } from '@clipmesh/config';
import { parseUp } from './arguments/up.arguments.js';
import { prepareJaeger } from './stack/jaeger.js';
import { runProgram } from './program.js';
import { startStack } from './stack/stack.js';

await runProgram(async ({ stop, kill }) => {
  const config = loadConfig();
  const args = parseUp(process.argv.slice(2), {
    dataDir: config.dataDir,
    port: config.gatewayPort,
    cwd: process.cwd(),
  });
  const { jaeger, ...wanted } = args;
  const stack = await startStack({
    ...wanted,
    ...(jaeger ? { jaeger: await prepareJaeger(args.dataDir, config.otelExporterOtlpEndpoint) } : {}),
    env: process.env,
    drainMs: config.drainMs,
    orphanStopMs: config.orphanStopMs,
    stop,
    kill,
    report: (line) => {
      console.error(line);
    },
  });
  console.log(`ready ${stack.urls.gateway}`);
  if (stack.urls.jaeger !== undefined) console.log(`traces ${stack.urls.jaeger}`);
  try {
    if (!stop.aborted) await once(stop, 'abort');
  } finally {
    await stack.stop();
  }
});
