import { z } from 'zod';

/** How a scene begins after its predecessor. */
export const TRANSITIONS = ['cut', 'crossfade', 'dip-black', 'dip-white', 'wipe', 'slide', 'zoom'] as const;
export type Transition = (typeof TRANSITIONS)[number];

/** A transition with pictures of its own: any but a cut. */
export const blendSchema = z.enum(TRANSITIONS).exclude(['cut']);
export type Blend = z.infer<typeof blendSchema>;

/** The transition, when it has pictures of its own. */
export const blendOf = (transition: Transition | undefined): Blend | undefined =>
  transition === 'cut' ? undefined : transition;

/**
 * The length of a transition that is not a cut, in frames: half a second. The scene before it is rendered that much longer, and
 * the transition replaces the first frames of the scene after it.
 */
export const transitionFrames = ({ fps }: { readonly fps: number }): number => Math.max(1, Math.round(fps / 2));
