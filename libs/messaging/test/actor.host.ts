import {
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipmeshError,
  message,
  type MessageBody,
  type Outgoing,
  toFailure,
} from '@clipmesh/contracts';
import { type Broker, brokerCommand, type BrokerVersion } from '@clipmesh/testing';
import { type NatsConnection } from '@nats-io/transport-node';
import {
  createPublisher,
  type HandlerContext,
  type InboxOptions,
  type InboxSettings,
  JetStreamStrategy,
  openCancellations,
  openRetryCounter,
  provision,
  type Publish,
} from '../src/index.js';

/** The oldest and the newest supported broker version, if both are installed. */
export const VERSIONS: readonly BrokerVersion[] =
  brokerCommand('current') === undefined ? ['path'] : ['path', 'current'];

let generations = 0;
export const generationId = (): string => `gen_${(generations += 1).toString(16).padStart(32, '0')}`;

export const clip = (id: string, scene = 0, attempt = 1): Outgoing<ClipGenerateBody> =>
  message(ClipGenerate, {
    generationId: id,
    scene,
    attempt,
    model: 'a/b',
    prompt: 'a red kite',
    durationSeconds: 4,
    aspectRatio: '9:16',
    seed: 1,
  });

export type Receive = (body: ClipGenerateBody, context: HandlerContext) => Promise<readonly Outgoing[]>;

export interface Actor {
  readonly connection: NatsConnection;
  close(): Promise<void>;
}

export interface ActorOptions {
  readonly receive: Receive;
  readonly settings?: Partial<InboxSettings>;
  readonly ackWaitMs?: number;
  /** Wraps the publisher. */
  readonly publish?: (real: Publish) => Publish;
}

const inbox: InboxOptions<ClipGenerateBody> = {
  inbox: 'clip-generator',
  message: ClipGenerate,
  stage: 'clip',
  failed: (body, { error }) => [
    message(ClipFailed, {
      generationId: body.generationId,
      at: new Date().toISOString(),
      charges: error instanceof ClipmeshError ? [...error.charges] : [],
      scene: body.scene,
      attempt: body.attempt,
      model: body.model,
      failure: toFailure(error, { stage: 'clip', scene: body.scene }),
    }),
  ],
};

/** Starts a clip-generator replica with `receive` as its handler. */
export async function startActor(broker: Broker, options: ActorOptions): Promise<Actor> {
  const connection = await broker.connect({ reconnect: true });
  const ackWaitMs = options.ackWaitMs ?? 120_000;
  await provision(connection, { ackWaitMs });
  const real = createPublisher(connection);
  const cancellations = await openCancellations(connection);
  const silent = (): void => undefined;
  const strategy = new JetStreamStrategy({
    connection,
    provisioning: { ackWaitMs },
    publish: options.publish?.(real) ?? real,
    cancellations,
    retries: await openRetryCounter(connection),
    workerId: 'test',
    logger: { info: silent, warn: silent, error: silent },
    settings: {
      'clip-generator': {
        concurrency: 2,
        retry: { maxTries: 3, firstDelayMs: 10, maxDelayMs: 20 },
        handlerTimeoutMs: 300_000,
        heartbeatMs: Math.min(500, ackWaitMs / 4),
        drainMs: 120_000,
        ...options.settings,
      },
    },
  });
  strategy.addHandler(
    'inbox:clip-generator',
    (body: ClipGenerateBody, context: HandlerContext) => options.receive(body, context),
    true,
    { binding: { inbox: 'clip-generator', options: inbox as unknown as InboxOptions<MessageBody> } },
  );
  await new Promise<void>((resolve, reject) => {
    strategy.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the transport did not start', { cause: error }));
    });
  });
  let closed: Promise<void> | undefined;
  return {
    connection,
    close: () =>
      (closed ??= strategy.close().then(async () => {
        cancellations.close();
        await connection.drain();
      })),
  };
}
