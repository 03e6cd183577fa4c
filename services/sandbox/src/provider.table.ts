/* Every provider whose HTTP API the sandbox speaks: one line each. */
export { cog } from './cog/cog.routes.js';
export { fal } from './fal/fal.routes.js';
export { replicate } from './replicate/replicate.provider.js';
