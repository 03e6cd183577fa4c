import { type Artifact } from '@clipmesh/contracts';
import { type SharedState } from './limits/shared.state.js';
import { type ModelEntries, type ModelEntry } from './models/model.entry.js';
import { type ReadSchemas } from './models/model.schema.js';
import { type Guarantee, type NudgeSource } from './ports.js';
import { type ReportLane } from './reports/report.lane.js';
import { type CommonOptions, type OpenProvider } from './prediction/clip.provider.js';
import { type ProviderLog } from './provider.events.js';

/** Settings that every provider uses. Those of libs/config fit. Durations are ms. */
export interface CommonSettings {
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly providerCallTimeoutMs: number;
  readonly downloadTimeoutMs: number;
  readonly downloadIdleTimeoutMs: number;
  readonly videoGenerationTimeoutMs: number;
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
}

/** What providers reported about purchases. */
export interface ReportReader {
  /** What a provider reported: the id of the request (fal), or the name of a stored file (Cog). Undefined: nothing yet. */
  find(provider: string, purchaseKey: string): Promise<string | undefined>;
  /** Reads a stored file. Throws `ARTIFACT_MISSING`. */
  read(name: string): Promise<Uint8Array>;
}

/** What every provider is built with, besides its settings. */
export interface ProviderContext {
  readonly models: ModelEntries;
  /** Shares rate limits, cool-downs and circuit breakers with the other replicas. */
  readonly shared: SharedState;
  /** Wakes waits when a provider has reported. */
  readonly nudge: NudgeSource;
  readonly reports: ReportReader;
  readonly log: ProviderLog;
  /** Reads a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
}

/** The options that every provider has, from the settings that every provider uses. */
export const commonOptions = (settings: CommonSettings, context: ProviderContext): CommonOptions => ({
  models: context.models,
  readFile: context.readFile,
  shared: context.shared,
  nudge: context.nudge,
  log: context.log,
  pollIntervalMs: settings.pollIntervalMs,
  pollLogIntervalMs: settings.pollLogIntervalMs,
  downloadTimeoutMs: settings.downloadTimeoutMs,
  downloadIdleTimeoutMs: settings.downloadIdleTimeoutMs,
  callTimeoutMs: settings.providerCallTimeoutMs,
  breaker: { failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
});

/** A row of the registry: how one provider is built from its settings. */
export interface Registration<Settings> {
  readonly guarantee: Guarantee;
  /** Why it guarantees no more or no less, as sentences for users. */
  readonly why: string;
  /** The variables that configure it, for users. */
  readonly needs: string;
  /** Undefined: it is not configured. Throws an error that names the variable when its settings do not fit the models. */
  open(settings: Settings & CommonSettings, context: ProviderContext): OpenProvider | undefined;
  /** How the gateway receives its reports. Default: it sends none. */
  readonly reports?: ReportLane<Settings & CommonSettings>;
  /** What reads the input schemas that it publishes for a model, or why nothing can. Default: it publishes none. */
  schemasOf?(
    settings: Settings & CommonSettings,
    entry: ModelEntry,
    signal: AbortSignal,
  ): ReadSchemas | { readonly reason: string };
}
