export * from './config.js';
export { hasLanguageModel } from './language.model.js';
export { isLoopback } from './loopback.host.js';
export * from './settings.js';
export { type Setting } from './setting.kinds.js';
