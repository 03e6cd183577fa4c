import { ClipmeshError } from '@clipmesh/contracts';
import {
  type BreakerEvent,
  type BreakerSettings,
  type BreakerState,
  breakerStateSchema,
  type BreakerStep,
  CLOSED,
  stepBreaker,
} from './breaker.js';
import { logEvent, type ProviderLog } from '../provider.events.js';
import { changeShared, type SharedState } from './shared.state.js';

const PREFIX = 'signal.breaker';

/** The circuit breakers of all models, shared by all replicas. While the store is unavailable, each replica uses its own state. */
export class CircuitBreakers {
  readonly #known = new Map<string, BreakerState>();
  readonly #stop: () => void;

  constructor(
    private readonly settings: BreakerSettings,
    private readonly store?: SharedState,
    private readonly log?: ProviderLog,
    private readonly now: () => number = Date.now,
  ) {
    this.#stop =
      store?.watch(PREFIX, (key, value) => {
        const { data } = breakerStateSchema.safeParse(value);
        if (data !== undefined) this.#remember(key.slice(PREFIX.length + 1), data);
      }) ?? ((): void => undefined);
  }

  /** Throws `PROVIDER_UNAVAILABLE`, not retryable, while the breaker of this model is open: another model may work. */
  async check(model: string): Promise<void> {
    const { allowed, waitMs } = await this.#step(model, 'call');
    if (allowed) return;
    logEvent(this.log, 'info', 'provider.breaker.refused', { model, waitMs }, 'the circuit breaker is open');
    throw new ClipmeshError(
      'PROVIDER_UNAVAILABLE',
      `${model} failed too often in a row; no calls to it for another ${Math.ceil(waitMs / 1000)} s`,
      { retryable: false, retryAfterMs: waitMs },
    );
  }

  /** Records how a call or prediction of a model ended. Never rejects. */
  async record(model: string, event: Exclude<BreakerEvent, 'call'>): Promise<void> {
    await this.#step(model, event);
  }

  close(): void {
    this.#stop();
  }

  async #step(model: string, event: BreakerEvent): Promise<BreakerStep> {
    const known = this.#known.get(model) ?? CLOSED;
    const here = stepBreaker(known, event, this.now(), this.settings);
    // Nothing to write: the watch keeps the local state up to date.
    if (here.state === known) return here;
    let step = here;
    if (this.store !== undefined) {
      try {
        step = await changeShared(this.store, `${PREFIX}.${model}`, breakerStateSchema, (state) => {
          const before = state ?? CLOSED;
          const result = stepBreaker(before, event, this.now(), this.settings);
          return { state: result.state === before ? undefined : result.state, result };
        });
      } catch (error) {
        logEvent(
          this.log,
          'warn',
          'provider.breaker.alone',
          { model, reason: String(error) },
          'breaker state is not shared',
        );
      }
    }
    this.#remember(model, step.state);
    return step;
  }

  #remember(model: string, state: BreakerState): void {
    const before = this.#known.get(model) ?? CLOSED;
    this.#known.set(model, state);
    if (before.phase === state.phase) return;
    const level = state.phase === 'open' ? 'warn' : 'info';
    const fields = { model, from: before.phase, to: state.phase };
    logEvent(this.log, level, 'provider.breaker.changed', fields, `circuit breaker ${state.phase}`);
  }
}
