export { ApiClient, SandboxClient } from './api.client.js';
export { Chaos } from './chaos.js';
export { eventually } from './eventually.js';
export { cleaned, ffmpegOf } from './leftovers.js';
export { LocalStack } from './local.stack.js';
