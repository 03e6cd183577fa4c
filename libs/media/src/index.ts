export { Media } from './media.js';
export { openMedia } from './media.settings.js';
export {
  type ClipFacts,
  type ClipRules,
  type JoinInput,
  type MediaOptions,
  type OverlayResult,
  type OverlayInput,
  type RenderInput,
  type RunContext,
  type SoundRules,
} from './commands/media.types.js';
export { type Probe } from './verify/probe.parse.js';
export { ProcessError } from './ffmpeg/process.outcome.js';
