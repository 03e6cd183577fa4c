export { Media, type MediaOptions, type Probe } from './media.js';
export { type RunContext } from './ffmpeg.runner.js';
