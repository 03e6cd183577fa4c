import { type ProblemError } from './problems/problem.js';

/** A limit on how many of something each owner may have at once at this gateway. */
export class OwnerLimit {
  private readonly counts = new Map<string, number>();

  /** `refuse` creates the 429 for an owner at the limit, with `inUse` in use. */
  constructor(
    private readonly perOwner: number,
    private readonly refuse: (inUse: number) => ProblemError,
  ) {}

  /** Number in use, over all owners. */
  get inUse(): number {
    return [...this.counts.values()].reduce((sum, open) => sum + open, 0);
  }

  /** Acquires one and returns its release function. Throws a 429 when the owner is at the limit. */
  acquire(owner: string): () => void {
    const open = this.counts.get(owner) ?? 0;
    if (open >= this.perOwner) throw this.refuse(open);
    this.counts.set(owner, open + 1);
    return () => {
      const left = (this.counts.get(owner) ?? 1) - 1;
      if (left > 0) this.counts.set(owner, left);
      else this.counts.delete(owner);
    };
  }
}
