import { constants, existsSync, statSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import { parseDemo } from './arguments/demo.arguments.js';
import { ONE_OF_EACH } from './arguments/up.arguments.js';
import { GatewayClient } from './demo/gateway.client.js';
import { makeFolder } from './stack/make.folder.js';
import { runProgram } from './program.js';
import { progressPrinter } from './demo/progress.bar.js';
import { costText, reportText } from './demo/report.text.js';
import { startStack } from './stack/stack.js';

const DEADLINE_MS = 45 * 60_000;
const CANCEL_MS = 3_000;

/** Throws one sentence when the file cannot be written. Called before anything is made or paid for. */
async function checkWritable(file: string): Promise<void> {
  try {
    makeFolder(dirname(file));
    const isThere = existsSync(file);
    if (isThere && statSync(file).isDirectory()) throw new Error('it is a folder');
    await access(dirname(file), constants.W_OK);
    if (isThere) await access(file, constants.W_OK);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^[A-Z]+: |, \w+ '.*'$/g, '') : String(cause);
    throw new Error(`${file} cannot be written (${why}); choose another place with --out`, { cause });
  }
}

await runProgram(async ({ stop, kill }) => {
  const config = loadConfig();
  const args = parseDemo(process.argv.slice(2), { dataDir: config.dataDir, cwd: process.cwd() });
  await checkWritable(args.out);
  await checkWritable(args.report);
  // The single replica handles as many clips as the generation has in flight, so the report counts these workers.
  const workers = args.request.parallel?.maxWorkers ?? config.maxParallelVideoWorkers;
  console.log('Starting the local stack …');
  const stack = await startStack({
    dataDir: args.dataDir,
    port: args.port,
    scale: ONE_OF_EACH,
    env: { ...process.env, API_KEYS: '', CLIP_CONCURRENCY: String(workers) },
    drainMs: config.drainMs,
    orphanStopMs: config.orphanStopMs,
    stop,
    kill,
    report: (line) => {
      console.error(line);
    },
  });
  try {
    const gateway = new GatewayClient(stack.urls.gateway, stop);
    const id = await gateway.create(args.request);
    console.log(`Making a video: ${id}`);
    const bar = progressPrinter(process.stdout);
    try {
      await gateway.follow(id, DEADLINE_MS, bar.show);
    } catch (error) {
      // Cancels clips that are still running, so that they cost nothing more.
      await gateway.cancel(id, CANCEL_MS).catch(() => undefined);
      throw error;
    } finally {
      bar.end();
    }
    const { status, error } = await gateway.read(id);
    const isDraft = status === 'awaiting_approval';
    if (status !== 'succeeded' && !isDraft)
      throw new Error(`the generation ${status}${error ? `: ${error.message}` : ''}`);
    await gateway.download(id, args.out);
    const report = await gateway.performance(id);
    await writeFile(args.report, `${JSON.stringify(report, null, 2)}\n`);
    const { totalUsd, entries, pricesAsOf } = await gateway.cost(id);
    console.log(`\n${reportText(report)}\n`);
    console.log(`Cost       ${costText(totalUsd, entries, process.env)}`);
    if (pricesAsOf !== undefined) console.log(`Prices     of the video models as of ${pricesAsOf}`);
    console.log(`Video      ${relative(process.cwd(), args.out)}`);
    console.log(`Report     ${relative(process.cwd(), args.report)}`);
    if (isDraft) console.log(`Draft      buy its clips: npm run up, then POST /v1/generations/${id}/approve`);
  } finally {
    await stack.stop();
  }
});
