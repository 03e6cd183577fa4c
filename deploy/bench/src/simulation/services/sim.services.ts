import { SIM_MODELS } from '../../sim.models.js';
import {
  type Artifact,
  type ClipGenerateBody,
  ClipGenerated,
  DRAFT_MODEL,
  type DomainEvent,
  eventNamed,
  type InboxName,
  LAST_STEP,
  message,
  type MessageBody,
  type Outgoing,
  PlanWritten,
  PlanStarted,
  PlanFailed,
  SCENE_STEPS,
  type SceneStep,
  type Stage,
  StitchFailed,
  type StitchRenderBody,
  toFailure,
  VideoStitched,
  ClipmeshError,
  type GenerationPlanBody,
} from '@clipmesh/contracts';
import { buyClip, cacheScope, cancelPurchases, type ClipDeps, clipFailed, clipRetried } from '@clipmesh/purchasing';
import { type HandledDelivery, type RetryPolicy } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { type ClipProvider } from '@clipmesh/providers';
import { direct, type DirectorEvent, planFromTemplate } from '@clipmesh/pipeline';
import { type SimBroker } from './sim.broker.js';
import { type SimNudges } from './sim.nudges.js';
import { type SimProvider, VISIBLE_WITHIN_MS } from './sim.provider.js';
import { type Process, type World } from '../world.js';

export interface SimSystem {
  readonly world: World;
  readonly broker: SimBroker;
  readonly provider: SimProvider;
  readonly stores: Stores;
  /** The step that made each stored file, by the key of the file. */
  readonly files: Map<string, SceneStep>;
  readonly nudges: SimNudges;
  /** Probability that a step after the clip or a join fails, 0-1. */
  readonly mediaFaults: { fail: number };
  /** False simulates a build that does not look for lost purchases. */
  readonly searches: boolean;
  /** False simulates a build that writes its intent after the purchase. */
  readonly intentFirst: boolean;
  /** False simulates a build that buys the clips of drafts. */
  readonly draws: boolean;
  /** False simulates a build in which two purchases of the same clip may use the same prediction. */
  readonly claims: boolean;
}

/** The handler of an inbox. */
export interface SimService {
  readonly policy: RetryPolicy;
  readonly command: HandledDelivery['command'];
  handle(body: MessageBody, ref: { id: string; name: string }, signal: AbortSignal): Promise<readonly Outgoing[]>;
}

/** Number of folders so far; each gets its own name. */
let folders = 0;

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
} as unknown as ClipDeps['logger'];
/** A stored file. Other digits are another content. */
function artifact(digits: string): Artifact {
  const sha256 = digits.repeat(64).slice(0, 64);
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
}

/** The body of a command for a step after the clip. */
interface StepBody extends MessageBody {
  readonly scene: number;
  readonly attempt: number;
  /** The file of the step before. */
  readonly clip: Artifact;
  /** Of an overlay. */
  readonly handleFrames?: number;
}

/** Stores whose calls are effects of a process. */
function storesOf({ world, stores }: SimSystem, process: Process): Stores {
  const wrap = <T extends object>(store: T): T =>
    new Proxy(store, {
      get:
        (target, name) =>
        (...args: unknown[]) =>
          world.effect(process, () => (target as Record<PropertyKey, (...all: unknown[]) => unknown>)[name]?.(...args)),
    });
  return {
    generations: wrap(stores.generations),
    ledger: wrap(stores.ledger),
    purchases: wrap(stores.purchases),
    idempotency: wrap(stores.idempotency),
    accounts: wrap(stores.accounts),
    cache: wrap(stores.cache),
    webhooks: wrap(stores.webhooks),
  };
}

const takeAll: ClipDeps['claims']['claim'] = (_key, fingerprint, generationId) =>
  Promise.resolve({ fingerprint, generationId, fresh: true });
const CACHE_LEASE_MS = 60_000;
const CACHE_TTL_MS = 30 * 24 * 60 * 60_000;
const often: RetryPolicy = { maxTries: 1000, firstDelayMs: 100, maxDelayMs: 5000 };
const thrice: RetryPolicy = { maxTries: 3, firstDelayMs: 1000, maxDelayMs: 30_000 };
const patient: RetryPolicy = { ...thrice, patienceMs: { PROVIDER_RATE_LIMITED: 20 * 60_000 } };

/** The handlers of all inboxes: real code for decisions, stand-ins for ffmpeg. */
export function servicesOf(system: SimSystem, process: Process): Record<InboxName, SimService> {
  const { world, broker, provider, files, nudges, mediaFaults, searches, intentFirst, claims, draws } = system;
  const stores = storesOf(system, process);
  const clock = world.clockOf(process);
  const at = (): string => new Date(world.now).toISOString();
  const real = provider.of(process);
  const store = (file: Artifact, step: SceneStep): Artifact => {
    files.set(file.key, step);
    return file;
  };
  const buying: ClipProvider = intentFirst
    ? real
    : {
        ...real,
        submit: async (request, signal, beforeSend) => {
          const state = await real.submit(request, signal);
          await beforeSend?.();
          return state;
        },
      };
  const clips: ClipDeps = {
    providers: { of: () => (searches ? buying : { ...buying, find: () => Promise.resolve({ kind: 'absent' }) }) },
    models: SIM_MODELS,
    purchases: stores.purchases,
    claims: claims
      ? stores.idempotency
      : { ...stores.idempotency, claim: takeAll, peek: () => Promise.resolve(undefined) },
    artifacts: {
      put: () => world.effect(process, () => store(artifact('c'), SCENE_STEPS[0])),
      withFile: (_artifact: unknown, use: (file: string) => Promise<unknown>) => use('stored'),
    } as unknown as ClipDeps['artifacts'],
    isIntact: () => Promise.resolve(true),
    media: { verifyClip: (file) => provider.verify(process, file) },
    clipRules: { minShare: 0.5, maxSeconds: 600 },
    downloads: { tries: 3, firstDelayMs: 1000, maxDelayMs: 30_000 },
    cache: {
      scopeOf: cacheScope('owner', stores.generations),
      leases: {
        store: stores.cache,
        clock,
        nudges: {
          on: (key, callback) => nudges.on(key, callback),
          notify: (key) => {
            nudges.notify(key);
          },
        },
        leaseMs: CACHE_LEASE_MS,
        ttlMs: CACHE_TTL_MS,
        warn: () => undefined,
      },
    },
    logger: silent,
    scratch: { directory: '', withFolder: (use) => use(`folder-${(folders += 1)}`) },
    timeoutMs: 50_000,
    planTimeoutMs: 60_000,
    speechTimeoutMs: 60_000,
    unknownPurchases: 'rebuy',
    outcomeTimeouts: searches
      ? { callTimeoutMs: 5000, settleMs: VISIBLE_WITHIN_MS }
      : { callTimeoutMs: 0, settleMs: 0 },
    clock,
    isCanceled: (generationId) => world.effect(process, () => broker.canceled.has(generationId)),
    markCanceled: (generationId) => world.effect(process, () => void broker.canceled.add(generationId)),
  };
  /** Reads files that this step has to have made, as ffmpeg would. */
  const media = (inputs: readonly Artifact[], madeBy: SceneStep | undefined, signal: AbortSignal): Promise<void> =>
    world.effect(process, () => {
      signal.throwIfAborted();
      if (inputs.some(({ key }) => files.get(key) !== madeBy))
        throw new ClipmeshError('ARTIFACT_MISSING', 'no such file');
      if (world.random.chance(mediaFaults.fail)) throw new ClipmeshError('FFMPEG_FAILED', 'exit code 1');
    });
  const failed = (generationId: string, error: unknown, stage: Stage, scene?: number) => ({
    generationId,
    at: at(),
    charges: [],
    failure: toFailure(error, { stage, ...(scene === undefined ? {} : { scene }) }),
  });
  const record = async (body: MessageBody): Promise<readonly Outgoing[]> => {
    const { generationId, charges, at: atIso } = body as DomainEvent['body'];
    for (const charge of charges) await stores.ledger.append({ ...charge, generationId, owner: 'local', at: atIso });
    return [];
  };
  /** Stands in for the renderer. */
  const draw = async (command: ClipGenerateBody, signal: AbortSignal): Promise<readonly Outgoing[]> => {
    await media([], undefined, signal);
    const { generationId, scene, attempt, model } = command;
    const clip = store(artifact('d'), SCENE_STEPS[0]);
    const end = { generationId, at: at(), charges: [], scene, attempt, model, cached: false, clip };
    return [message(ClipGenerated, end)];
  };
  const stepService = (step: SceneStep, number: number): SimService => ({
    policy: thrice,
    command: {
      failed: (body, { error }) => {
        const { generationId, scene, attempt } = body as StepBody;
        const end = { ...failed(generationId, error, step.stage, scene), scene, attempt };
        return [message(eventNamed(step.failed), end)];
      },
    },
    handle: async (body, _ref, signal) => {
      const { generationId, scene, attempt, clip, handleFrames } = body as StepBody;
      await media([clip], SCENE_STEPS[number - 1], signal);
      const made = store(artifact(`${number}${scene.toString(16)}`), step);
      const handle = handleFrames === undefined ? {} : { handleFrames };
      const end = { generationId, at: at(), charges: [], scene, attempt, clip: made, ...handle };
      return [message(eventNamed(step.done), end)];
    },
  });
  const [, ...laterSteps] = SCENE_STEPS.map((step, number) => [step.service, stepService(step, number)] as const);
  return {
    planner: {
      policy: thrice,
      command: {
        failed: (body, { error }) => [
          message(PlanFailed, {
            ...failed(body.generationId, error, 'llm'),
            attempt: (body as GenerationPlanBody).attempt,
          }),
        ],
      },
      handle: async (body) => {
        const { generationId, attempt, job } = body as GenerationPlanBody;
        const base = { generationId, attempt, at: at(), charges: [] };
        await broker.publish(process, [message(PlanStarted, base)]);
        return [message(PlanWritten, { ...base, plan: planFromTemplate(job) })];
      },
    },
    director: {
      policy: often,
      command: undefined,
      handle: async (body, { id, name }) => {
        const event = { name, body, id } as DirectorEvent;
        return (await direct(stores.generations, event, SIM_MODELS, () => clock.now()))?.outgoing ?? [];
      },
    },
    'clip-generator': {
      policy: patient,
      command: {
        failed: (body, failure) => clipFailed(body as ClipGenerateBody, failure),
        retried: (body, retry) => clipRetried(body as ClipGenerateBody, retry),
      },
      handle: async (body, _ref, signal) => {
        const command = body as ClipGenerateBody;
        return command.model === DRAFT_MODEL && draws ? draw(command, signal) : buyClip(clips, command, signal);
      },
    },
    canceler: {
      policy: often,
      command: undefined,
      handle: ({ generationId }, _ref, signal) => cancelPurchases(clips, generationId, signal),
    },
    ...(Object.fromEntries(laterSteps) as Record<Exclude<SceneStep['service'], 'clip-generator'>, SimService>),
    // The plans of a simulation are not spoken.
    speaker: { policy: often, command: undefined, handle: () => Promise.resolve([]) },
    stitcher: {
      policy: thrice,
      command: {
        failed: (body, { error }) => {
          const { generationId, attempt } = body as StitchRenderBody;
          return [message(StitchFailed, { ...failed(generationId, error, 'stitch'), attempt })];
        },
      },
      handle: async (body, _ref, signal) => {
        const { generationId, attempt, scenes } = body as StitchRenderBody;
        await media(
          scenes.map(({ clip }) => clip),
          LAST_STEP,
          signal,
        );
        const durationSeconds = scenes.reduce((sum, scene) => sum + scene.durationSeconds, 0);
        const result = { video: artifact('e'), thumbnail: artifact('f'), durationSeconds, width: 1280, height: 720 };
        return [message(VideoStitched, { generationId, at: at(), charges: [], attempt, result })];
      },
    },
    // The reporter reads spans, and a simulation has none.
    reporter: { policy: often, command: undefined, handle: () => Promise.resolve([]) },
    cost: { policy: often, command: undefined, handle: record },
    // No webhooks in a simulation.
    notifier: { policy: often, command: undefined, handle: () => Promise.resolve([]) },
    webhooks: { policy: often, command: undefined, handle: () => Promise.resolve([]) },
  };
}
