import { type Registration } from '../provider.registration.js';
import { createFalProvider, FAL_GUARANTEE } from './fal.provider.js';

export interface FalSettings {
  readonly falKey: string | undefined;
  readonly falBaseUrl: string;
  readonly falCreateSlotMs: number;
  readonly falCreatesPerMinute: number;
  readonly falCallsPerMinute: number;
}

export const fal: Registration<FalSettings> = {
  guarantee: FAL_GUARANTEE,
  needs: 'FAL_KEY, or FAL_BASE_URL of the sandbox with any key',
  open: (settings, context) =>
    settings.falKey === undefined
      ? undefined
      : createFalProvider({
          ...context,
          key: settings.falKey,
          baseUrl: settings.falBaseUrl,
          pollIntervalMs: settings.pollIntervalMs,
          pollLogIntervalMs: settings.pollLogIntervalMs,
          callTimeoutMs: settings.providerCallTimeoutMs,
          createSlotMs: settings.falCreateSlotMs,
          downloadTimeoutMs: settings.downloadTimeoutMs,
          downloadIdleTimeoutMs: settings.downloadIdleTimeoutMs,
          createsPerMinute: settings.falCreatesPerMinute,
          callsPerMinute: settings.falCallsPerMinute,
          startTimeoutMs: settings.videoGenerationTimeoutMs,
          breaker: { failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
        }),
};
