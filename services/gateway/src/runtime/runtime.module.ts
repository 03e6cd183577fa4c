import { type ServiceRuntime } from '@clipmesh/messaging';
import { type OpenStores } from '@clipmesh/persistence';
import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type Resources } from './resources.js';
import {
  ARTIFACTS,
  CANCELLATIONS,
  CONFIG,
  CONNECTION,
  LIMITS,
  LOGGER,
  MEDIA,
  MODELS,
  PUBLISH,
  SCRATCH,
  STORES,
  WORKER_ID,
} from './runtime.tokens.js';

/** Provides the runtime and the open resources to every feature. */
@Global()
@Module({})
export class RuntimeModule implements OnApplicationShutdown {
  constructor(@Inject(STORES) private readonly stores: OpenStores) {}

  static of(runtime: ServiceRuntime, resources: Resources): DynamicModule {
    const values: readonly (readonly [provide: symbol, useValue: unknown])[] = [
      [CONFIG, runtime.config],
      [LOGGER, runtime.logger],
      [CONNECTION, runtime.connection],
      [PUBLISH, runtime.publish],
      [CANCELLATIONS, runtime.cancellations],
      [WORKER_ID, runtime.workerId],
      [STORES, resources.stores],
      [ARTIFACTS, resources.artifacts],
      [LIMITS, resources.limits],
      [MEDIA, resources.media],
      [MODELS, resources.models],
      [SCRATCH, resources.scratch],
    ];
    return {
      module: RuntimeModule,
      providers: values.map(([provide, useValue]) => ({ provide, useValue })),
      exports: values.map(([provide]) => provide),
    };
  }

  /** Runs after the last request. */
  async onApplicationShutdown(): Promise<void> {
    await this.stores.close();
  }
}
