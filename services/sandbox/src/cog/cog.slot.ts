import { randomUUID } from 'node:crypto';
import { type ModelRecord } from '../models/model.record.js';
import { type CreatorContext, startPrediction } from '../predictions/prediction.creator.js';
import { isFinal, type Prediction } from '../predictions/prediction.lifecycle.js';
import { type CogBody } from './cog.request.js';
import { reportTo } from './cog.webhooks.js';

/** Longer than any prediction runs, ms. */
const LONGEST_RUN_MS = 2 ** 31 - 1;

/** The only slot of a Cog server. A prediction has the caller's id while it is in the slot. */
export class CogSlot {
  #callerId: string | undefined;
  #runId: string | undefined;

  constructor(
    private readonly creator: CreatorContext,
    private readonly filesUrl: string,
  ) {}

  get isFree(): boolean {
    return this.#callerId === undefined;
  }

  /** The prediction in the slot, if it has this id. */
  find(id: string): Prediction | undefined {
    return this.#callerId === id && this.#runId !== undefined ? this.creator.runner.find(this.#runId) : undefined;
  }

  /** Starts a prediction in the free slot, which is free again at its end. `losesReply`: the caller must get no response. */
  async start(
    model: ModelRecord,
    id: string,
    { input, webhook, webhook_events_filter: webhookEvents }: CogBody,
  ): Promise<{ runId: string; losesReply: boolean }> {
    const { filesUrl } = this;
    this.#callerId = id;
    try {
      const { prediction, losesReply } = await startPrediction(this.creator, {
        // The caller may give an id again after the end.
        id: randomUUID(),
        provider: 'cog',
        model,
        input,
        key: id,
        ...(webhook === undefined || webhook === null ? {} : { webhook }),
        webhookEvents,
        startsAtOnce: true,
        outputForm: 'data',
        report: (reported, event, signal) => reportTo(reported, event, { filesUrl, signal }),
      });
      this.#runId = prediction.id;
      void this.creator.runner.waitFor(prediction.id, LONGEST_RUN_MS).then(() => {
        this.#free();
      });
      return { runId: prediction.id, losesReply };
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  /** Resolves with the ended prediction; undefined when the sandbox closes before. */
  async ended(runId: string): Promise<Prediction | undefined> {
    await this.creator.runner.waitFor(runId, LONGEST_RUN_MS);
    const prediction = this.creator.runner.find(runId);
    return prediction !== undefined && isFinal(prediction.status) ? prediction : undefined;
  }

  cancel(runId: string): void {
    this.creator.runner.cancel(runId);
  }

  #free(): void {
    this.#callerId = undefined;
    this.#runId = undefined;
  }
}
