export * from './ports.js';
export { openKvStores, type KvStoresOptions } from './kv/kv.stores.js';
export { openArtifactFolder } from './artifacts/artifact.folder.js';
export { extensionOf } from './artifacts/artifact.key.js';
export * from './artifacts/scratch.folder.js';
export * from './memory/memory.stores.js';
export * from './limits.port.js';
export { openLimitStore } from './kv/limit.store.js';
export { createMemoryLimitStore } from './memory/limit.store.js';
