import { type Response, type Router } from 'express';
import { type ModelStore } from './models/model.store.js';
import { type CreatorContext } from './predictions/prediction.creator.js';

/** What the routes of every provider are built with. */
export interface ProviderContext extends CreatorContext {
  readonly models: ModelStore;
  /** Base URL of the sandbox. */
  readonly origin: string;
  /** URL of the folder of the clips. */
  readonly filesUrl: string;
}

/** A provider whose HTTP API the sandbox speaks. */
export interface SandboxProvider {
  /** Path of the API, such as `/fal`: the `sandboxPath` of its settings begins with it. */
  readonly path: string;
  routes(context: ProviderContext): Router;
  /** Answers a request that failed before its route, such as one whose body is not JSON, as the provider does. */
  refuse(response: Response, status: number, detail: string): void;
}
