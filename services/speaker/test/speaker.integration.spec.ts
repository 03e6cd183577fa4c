import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import {
  message,
  SPEECH_PAUSE_SECONDS,
  SpeechFailed,
  SpeechSpeak,
  type SpeechSpeakBody,
  SpeechSpoken,
} from '@clipmesh/contracts';
import { openEspeak } from '@clipmesh/media';
import { readEvents, type Replica, startReplica } from '@clipmesh/messaging';
import { openArtifactFolder } from '@clipmesh/persistence';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { speakerService } from '../src/speaker.service.js';

/** Time limit of each wait, ms. */
const DEADLINE_MS = 120_000;
let broker: Broker;
let folder: TempFolder;
let replica: Replica;
let count = 0;
const leaks = leakCheck();

const isInstalled = await openEspeak(loadConfig({}))
  .version(AbortSignal.timeout(DEADLINE_MS))
  .then(
    () => true,
    () => false,
  );

/** Starts a speaker on a broker of its own, before the tests of a suite. */
function speaker(provider: 'espeak-ng' | 'none'): void {
  beforeAll(async () => {
    broker = await startBroker();
    folder = await tempFolder('speaker');
    const config = loadConfig({
      NATS_URL: broker.url,
      DATA_DIR: folder.path,
      TEMP_DIR: join(folder.path, 'tmp'),
      SPEECH_PROVIDER: provider,
    });
    const logger = createLogger({ service: 'speaker', level: 'info' }, { write: () => undefined });
    replica = await startReplica(speakerService, { config, workerId: 'speaker.1', logger });
  });

  afterAll(async () => {
    await replica.stop();
    await broker.stop();
    await folder.remove();
    expect(leaks()).toEqual([]);
  });
}

/** The event that answers a command. */
async function speak(body: Pick<SpeechSpeakBody, 'script'> & Partial<SpeechSpeakBody>): Promise<unknown> {
  const generationId = `gen_${(count += 1).toString(16).padStart(32, '0')}`;
  const command = { generationId, scene: 0, attempt: 1, durationSeconds: 3, ...body };
  await replica.runtime.publish([message(SpeechSpeak, command)]);
  const reading = new AbortController();
  try {
    const event = await until(
      readEvents(replica.runtime.connection, generationId, { signal: reading.signal }),
      DEADLINE_MS,
      'the answer of the speaker',
      ({ name }) => name === SpeechSpoken.name || name === SpeechFailed.name,
    );
    return event.body;
  } finally {
    reading.abort();
  }
}

(isInstalled ? describe : describe.skip)('the speaker with espeak-ng', () => {
  speaker('espeak-ng');

  it('speaks a script that fits as it is, for free, and stores it', async () => {
    const spoken = SpeechSpoken.schema.parse(await speak({ script: 'Meet Glim.', freeOnly: true }));
    expect(spoken).toMatchObject({ tempo: 1, charges: [], scene: 0, attempt: 1 });
    expect(spoken.durationSeconds).toBeLessThan(2);
    const artifacts = await openArtifactFolder({ directory: join(folder.path, 'artifacts') });
    expect(await artifacts.withFile(spoken.speech, (path) => Promise.resolve(path))).toContain(spoken.speech.key);
  });

  it('shortens a script until it fits, played faster by at most 12 %', async () => {
    const script =
      'Meet Glim, the lamp that charges by sunlight. It shines all night long beside your bed, and never needs a plug.';
    const { durationSeconds, tempo } = SpeechSpoken.schema.parse(await speak({ script }));
    expect(tempo).toBeLessThanOrEqual(1.12);
    expect(durationSeconds / tempo).toBeLessThanOrEqual(3 - SPEECH_PAUSE_SECONDS + 0.01);
    expect(durationSeconds).toBeGreaterThan(1);
  });

  it('fails for a voice that does not exist', async () => {
    const { failure } = SpeechFailed.schema.parse(await speak({ script: 'Meet Glim.', voice: 'no-such-voice' }));
    expect(failure).toMatchObject({ stage: 'audio', scene: 0, retryable: false, charged: false });
  });
});

describe('the speaker without a provider', () => {
  speaker('none');

  it('says that nobody speaks', async () => {
    const { failure } = SpeechFailed.schema.parse(await speak({ script: 'Meet Glim.' }));
    expect(failure).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', stage: 'audio', retryable: false });
  });
});
