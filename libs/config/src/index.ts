export * from './config.js';
export { hasLanguageModel } from './language.model.js';
export { isLoopback } from './loopback.host.js';
export * from './provider.settings.js';
export { speechServer, type SpeechServer } from './speech.server.js';
export * from './settings.js';
export { type Setting } from './setting.kinds.js';
