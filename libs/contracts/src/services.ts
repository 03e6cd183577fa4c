/** One step of a scene: a command that makes a file from the file of the step before. The first step makes the clip. */
interface SceneStepSpec {
  /** Status of a scene whose command of this step has no answer yet. */
  readonly status: string;
  /** The event that ends the step, with its file in the field `clip`. */
  readonly done: string;
  readonly failed: string;
  /** Field of the scene's state that holds the file. */
  readonly result: string;
  /** Share of the scene that is finished when the step starts, 0-1. */
  readonly progress: number;
}

interface ServiceSpec {
  /** The command that it handles. */
  readonly command?: string;
  /** Inbox of the command. Default: the name of the service. */
  readonly inbox?: string;
  /** What its work counts for in reports, spans and failures. A command of a service with a stage advances its generation. */
  readonly stages: readonly string[];
  /** Whether any number of replicas can share the work. The gateway listens on a port. */
  readonly scaled: boolean;
  readonly scene?: SceneStepSpec;
}

/**
 * The one list of services, stages and steps of a scene, in the order in which a generation passes them. Inboxes, statuses,
 * records, commands, bundles and images derive from it.
 */
export const SERVICE_TABLE = {
  gateway: { command: 'webhook.deliver', inbox: 'webhooks', stages: [], scaled: false },
  planner: { command: 'generation.plan', stages: ['llm', 'planning'], scaled: true },
  'clip-generator': {
    command: 'clip.generate',
    stages: ['clip'],
    scaled: true,
    scene: { status: 'generating', done: 'clip.generated', failed: 'clip.failed', result: 'clip', progress: 0.05 },
  },
  overlay: {
    command: 'overlay.apply',
    stages: ['overlay'],
    scaled: true,
    scene: {
      status: 'composing',
      done: 'overlay.applied',
      failed: 'overlay.failed',
      result: 'overlaid',
      progress: 0.75,
    },
  },
  speaker: { command: 'speech.speak', stages: ['audio'], scaled: true },
  stitcher: { command: 'stitch.render', stages: ['stitch', 'export'], scaled: true },
  cost: { stages: [], scaled: true },
} as const satisfies Record<string, ServiceSpec>;

type Table = typeof SERVICE_TABLE;
/** A service that handles messages or requests. */
export type ServiceName = keyof Table;
export type Stage = Table[ServiceName]['stages'][number];
type ScaledService = { [Name in ServiceName]: Table[Name]['scaled'] extends true ? Name : never }[ServiceName];
/** A step of a scene, with the service that does it. */
export type SceneStep = {
  [Name in ServiceName]: Table[Name] extends {
    readonly scene: infer Step;
    readonly command: infer Command;
    readonly stages: readonly [infer StageName, ...string[]];
  }
    ? Step & { readonly service: Name; readonly command: Command; readonly stage: StageName }
    : never;
}[ServiceName];
/** The inbox of a command. */
export type CommandInboxName = {
  [Name in ServiceName]: Table[Name] extends { readonly command: string }
    ? Table[Name] extends { readonly inbox: infer Inbox extends string }
      ? Inbox
      : Name
    : never;
}[ServiceName];
/** A command that advances a generation. */
export type WorkCommandName = {
  [Name in ServiceName]: Table[Name] extends {
    readonly command: infer Command;
    readonly stages: readonly [string, ...string[]];
  }
    ? Command
    : never;
}[ServiceName];

const ENTRIES: readonly (ServiceSpec & { readonly service: string })[] = Object.entries(SERVICE_TABLE).map(
  ([service, spec]) => ({ service, ...spec }),
);

export const SERVICES = ENTRIES.map(({ service }) => service) as readonly ServiceName[];
/** Services whose replicas share their inboxes. */
export const SCALED_SERVICES = ENTRIES.flatMap(({ service, scaled }) =>
  scaled ? [service] : [],
) as readonly ScaledService[];
/** Every program in `services/`: the services, and the sandbox, which replaces the providers. */
export const SERVICE_PROGRAMS = [...SERVICES, 'sandbox'] as const;
export type ServiceProgram = (typeof SERVICE_PROGRAMS)[number];

/** The stages of a generation in reports and failures. */
export const STAGES = ENTRIES.flatMap(({ stages }) => stages) as readonly Stage[];

/** The inboxes of commands, with their services. */
export const COMMAND_INBOXES = ENTRIES.flatMap(({ service, command, inbox = service }) =>
  command === undefined ? [] : [{ inbox, command, service }],
) as readonly { readonly inbox: CommandInboxName; readonly command: string; readonly service: ServiceName }[];

/** Names of the commands that advance a generation. While one of them is pending, the generation is not stalled. */
export const WORK_COMMAND_NAMES = ENTRIES.flatMap(({ command, stages }) =>
  command === undefined || stages.length === 0 ? [] : [command],
) as readonly WorkCommandName[];

/** The steps of a scene, in order. */
export const SCENE_STEPS = ENTRIES.flatMap(({ service, command, stages, scene }) =>
  scene === undefined ? [] : [{ ...scene, service, command, stage: stages[0] }],
) as readonly unknown[] as readonly [SceneStep, ...SceneStep[]];

/** The step that finishes a scene. Its files are joined to the video. */
export const LAST_STEP: SceneStep = SCENE_STEPS.at(-1) ?? SCENE_STEPS[0];

/** The step after this one. Undefined after the last one. */
export function stepAfter(step: SceneStep): SceneStep | undefined {
  return SCENE_STEPS[SCENE_STEPS.indexOf(step) + 1];
}
