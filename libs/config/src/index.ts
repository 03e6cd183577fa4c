export * from './config.js';
export * from './settings.js';
export { type Setting } from './setting.kinds.js';
