/** The process of an effect is dead. */
export class Killed extends Error {}

/** One process. After `left` effects it is dead, and the result of the last one is lost. */
export interface Life {
  /** Remaining effects. Infinity: the process does not die. */
  left: number;
}
export const immortal = (): Life => ({ left: Infinity });
