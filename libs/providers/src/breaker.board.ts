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
import { note, type ProviderLog } from './provider.events.js';
import { changeShared, type SharedState } from './shared.state.js';

const PREFIX = 'signal.breaker';

/** The breakers of all models, the same for every replica. While the store is away each replica goes by what it knows. */
export class BreakerBoard {
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
        if (data !== undefined) this.#learn(key.slice(PREFIX.length + 1), data);
      }) ?? ((): void => undefined);
  }

  /** Throws `PROVIDER_UNAVAILABLE`, not retryable, while the breaker of this model is open: another model may help. */
  async ask(model: string): Promise<void> {
    const { allowed, waitMs } = await this.#step(model, 'ask');
    if (allowed) return;
    note(this.log, 'info', 'provider.breaker.refused', { model, waitMs }, 'the circuit breaker is open');
    throw new ClipmeshError(
      'PROVIDER_UNAVAILABLE',
      `${model} has failed too often in a row and is left alone for another ${Math.ceil(waitMs / 1000)} s`,
      { retryable: false, retryAfterMs: waitMs },
    );
  }

  /** Tells how something asked of a model ended. Never throws. */
  async tell(model: string, event: Exclude<BreakerEvent, 'ask'>): Promise<void> {
    await this.#step(model, event);
  }

  close(): void {
    this.#stop();
  }

  async #step(model: string, event: BreakerEvent): Promise<BreakerStep> {
    const known = this.#known.get(model) ?? CLOSED;
    const here = stepBreaker(known, event, this.now(), this.settings);
    // Nothing to write: what is known here is what the others told, at most a moment ago.
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
        note(
          this.log,
          'warn',
          'provider.breaker.alone',
          { model, reason: String(error) },
          'breaker state is not shared',
        );
      }
    }
    this.#learn(model, step.state);
    return step;
  }

  #learn(model: string, state: BreakerState): void {
    const before = this.#known.get(model) ?? CLOSED;
    this.#known.set(model, state);
    if (before.phase === state.phase) return;
    const level = state.phase === 'open' ? 'warn' : 'info';
    const fields = { model, from: before.phase, to: state.phase };
    note(this.log, level, 'provider.breaker.changed', fields, `circuit breaker ${state.phase}`);
  }
}
