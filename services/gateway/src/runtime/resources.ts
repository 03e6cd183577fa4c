import { type Media, openMedia } from '@clipmesh/media';
import { type ServiceRuntime } from '@clipmesh/messaging';
import {
  type ArtifactStore,
  type LimitStore,
  openArtifactFolder,
  openLimitStore,
  openScratch,
  openStores,
  type OpenStores,
  type Scratch,
} from '@clipmesh/persistence';
import { loadModels, type ModelEntries } from '@clipmesh/providers';

/** What the gateway opens at its start, beside the runtime of every service. */
export interface Resources {
  readonly stores: OpenStores;
  readonly artifacts: ArtifactStore;
  readonly limits: LimitStore;
  readonly media: Media;
  readonly models: ModelEntries;
  readonly scratch: Scratch;
}

/** Opens the stores and folders. Throws when ffmpeg cannot be used, a model is not valid, or a store does not
 * answer. */
export async function openResources({ config, connection, workerId }: ServiceRuntime): Promise<Resources> {
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  return {
    scratch,
    media,
    models: await loadModels(config.modelsFile),
    stores: await openStores({ connection, config, waitMs: config.mongodbRequestWaitMs }),
    artifacts: await openArtifactFolder({ directory: config.artifactsDir }),
    limits: await openLimitStore(connection, { replicas: config.natsReplicas }),
  };
}
