export { Media } from './media.js';
export {
  type JoinInput,
  type MediaOptions,
  type OverlayInput,
  type RenderInput,
  type RunContext,
} from './media.types.js';
export { type Probe } from './probe.parse.js';
