import { ClipmeshError } from '@clipmesh/contracts';
import { errorOfThrown } from '../failures/provider.errors.js';
import { type Operation } from '../ports.js';
import { refuseSchemaless, refuseUnready } from './cog.answer.js';
import { callCog, type CogAnswer, type CogCall } from './cog.http.js';

export interface CogServersOptions {
  /** The server of each model. */
  readonly endpoints: readonly { readonly model: string; readonly url: string }[];
  /** Time limit of a call, ms. */
  readonly callTimeoutMs: number;
}

type Call = Pick<CogCall, 'method' | 'body' | 'headers'>;

const SMALL_ANSWER_BYTES = 16 * 1024 * 1024;

/** The path of a prediction at its server. */
export const pathOf = (id: string): string => `predictions/${encodeURIComponent(id)}`;

/** The Cog servers of the models, with the calls that both ways of buying use. Every method throws `ClipmeshError`. */
export class CogServers {
  readonly #urls: ReadonlyMap<string, string>;
  readonly #withSchema = new Set<string>();

  constructor(private readonly options: CogServersOptions) {
    this.#urls = new Map(options.endpoints.map(({ model, url }) => [model, url]));
  }

  /** The origins of all servers. */
  get origins(): string[] {
    return [...this.#urls.values()].map((base) => new URL(base).origin);
  }

  urlOf(model: string, path: string): URL {
    const base = this.#urls.get(model);
    if (base === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `COG_ENDPOINTS names no server of ${model}`);
    return new URL(path, base.endsWith('/') ? base : `${base}/`);
  }

  /** A call that costs nothing. The signal ends it with `CANCELED`. */
  async call(model: string, path: string, signal: AbortSignal, rest: Call): Promise<CogAnswer> {
    const timeout = AbortSignal.timeout(this.options.callTimeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    return this.#send(model, path, either, rest, () => ({ caller: signal.aborted, timeout: timeout.aborted }));
  }

  /** Sends a purchase. When the limit ends it, nobody knows whether it arrived: that is never a cancel. */
  purchase(model: string, path: string, limit: AbortSignal, rest: Call): Promise<CogAnswer> {
    return this.#send(model, path, limit, rest, () => ({ caller: false, timeout: limit.aborted }));
  }

  /** Throws unless a prediction can start now. */
  async refuseUnready(model: string, signal: AbortSignal): Promise<void> {
    refuseUnready(model, await this.call(model, 'health-check', signal, { method: 'GET' }));
  }

  /** Throws when the server of a model has no schema with a required input. */
  async checkSchema(model: string, signal: AbortSignal): Promise<void> {
    if (this.#withSchema.has(model)) return;
    refuseSchemaless(model, await this.call(model, 'openapi.json', signal, { method: 'GET' }));
    this.#withSchema.add(model);
  }

  /** Whether a prediction runs. Sends no input: the server looks for the id first, and refuses one that does not run. */
  async runsNow({ id, model }: Operation, signal: AbortSignal): Promise<boolean> {
    await this.checkSchema(model, signal);
    const { status } = await this.call(model, pathOf(id), signal, { method: 'PUT', body: { input: {} } });
    if (status === 202) return true;
    if (status === 422) return false;
    throw new ClipmeshError('PROVIDER_UNAVAILABLE', `the Cog server of ${model} answered a look with status ${status}`);
  }

  /**
   * Asks the server to cancel a prediction. False: it does not run. A cancel that arrives before the model has begun is answered with
   * 200 and has no effect (seen with Cog 0.23.1), so it is repeated while the prediction runs.
   */
  async cancel({ id, model }: Operation, signal: AbortSignal): Promise<boolean> {
    const { status } = await this.call(model, `${pathOf(id)}/cancel`, signal, { method: 'POST' });
    return status !== 404;
  }

  async #send(
    model: string,
    path: string,
    signal: AbortSignal,
    rest: Call,
    endedBy: () => { caller: boolean; timeout: boolean },
  ): Promise<CogAnswer> {
    try {
      return await callCog({ url: this.urlOf(model, path), signal, maxBytes: SMALL_ANSWER_BYTES, ...rest });
    } catch (error) {
      throw errorOfThrown(`cog ${model}`, error, endedBy());
    }
  }
}
