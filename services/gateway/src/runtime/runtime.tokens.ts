import { type ServiceRuntime } from '@clipmesh/messaging';

/** The settings: `Config`. */
export const CONFIG = Symbol('CONFIG');
/** The log: `Logger`. */
export const LOGGER = Symbol('LOGGER');
/** The connection to the broker: `Connection`. */
export const CONNECTION = Symbol('CONNECTION');
/** Publishes messages: `Publish`. */
export const PUBLISH = Symbol('PUBLISH');
/** The cancel flags: `Cancellations`. */
export const CANCELLATIONS = Symbol('CANCELLATIONS');
/** Id of this replica: `string`. */
export const WORKER_ID = Symbol('WORKER_ID');
/** The records: `Stores`. */
export const STORES = Symbol('STORES');
/** The media files: `ArtifactStore`. */
export const ARTIFACTS = Symbol('ARTIFACTS');
/** Values that the replicas share: `LimitStore`. */
export const LIMITS = Symbol('LIMITS');
/** ffmpeg and ffprobe: `Media`. */
export const MEDIA = Symbol('MEDIA');
/** The known video models: `ModelEntries`. */
export const MODELS = Symbol('MODELS');
/** Folders for temporary files: `Scratch`. */
export const SCRATCH = Symbol('SCRATCH');

export type Logger = ServiceRuntime['logger'];
export type Connection = ServiceRuntime['connection'];
