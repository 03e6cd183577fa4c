export { ApiClient, SandboxClient } from './api.client.js';
export { Chaos } from './chaos.js';
export { eventually } from './eventually.js';
export { cleaned, ffmpegOf } from './leftovers.js';
export { LocalStack } from './local.stack.js';
export { measure, predicted, type Report } from './reports.js';
export { SlowFfmpeg } from './slow.ffmpeg.js';
export { TraceCollector } from './trace.collector.js';
