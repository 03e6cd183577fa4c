import { availableParallelism } from 'node:os';
import { loadConfig } from '@clipmesh/config';
import { Media, openEspeak } from '@clipmesh/media';
import { createSandbox } from './sandbox.server.js';
import { createSpeaker } from './speech/speech.speaker.js';

const STOP_MS = 2000;
const VERSION_TIMEOUT_MS = 20_000;

function log(level: 'info' | 'error', msg: string, more: object = {}): void {
  process.stdout.write(
    `${JSON.stringify({ level, time: new Date().toISOString(), service: 'sandbox', msg, ...more })}\n`,
  );
}

async function main(): Promise<void> {
  const config = loadConfig();
  const media = new Media({
    ...(config.ffmpegPath === undefined ? {} : { ffmpegPath: config.ffmpegPath }),
    ...(config.ffprobePath === undefined ? {} : { ffprobePath: config.ffprobePath }),
    threads: config.ffmpegThreads,
    memoryMb: config.ffmpegMemoryMb,
    idleTimeoutMs: config.ffmpegIdleTimeoutMs,
    tempDir: config.tempDir,
    maxProcesses: availableParallelism(),
  });
  const espeak = openEspeak(config);
  const isInstalled = await espeak.version(AbortSignal.timeout(VERSION_TIMEOUT_MS)).then(
    () => true,
    () => false,
  );
  const sandbox = await createSandbox({
    media,
    speaker: createSpeaker({ espeak: isInstalled ? espeak : undefined, media, tempDir: config.tempDir }),
    port: config.sandboxPort,
    host: config.sandboxHost,
    dataDir: config.dataDir,
  });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS).unref();
    sandbox.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log('error', 'close failed', { error: String(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  log('info', 'listening', { url: sandbox.url });
}

main().catch((error: unknown) => {
  log('error', 'could not start', { error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
});
