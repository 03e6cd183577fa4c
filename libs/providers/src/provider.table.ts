/* Every provider of clips, by the name that entries of models use: one line each. */
export { cog } from './cog/cog.registration.js';
export { fal } from './fal/fal.registration.js';
export { replicate } from './replicate/replicate.registration.js';
