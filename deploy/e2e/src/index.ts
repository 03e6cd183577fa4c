export { ApiClient, SandboxClient } from './api.client.js';
export { Chaos } from './stack/chaos.js';
export { eventually } from './eventually.js';
export { cleaned, ffmpegOf } from './stack/leftovers.js';
export { LocalStack } from './stack/local.stack.js';
export { measure, predicted, type Report } from './traces/reports.js';
export { SlowFfmpeg } from './ffmpeg/slow.ffmpeg.js';
export { TraceCollector } from './traces/trace.collector.js';
