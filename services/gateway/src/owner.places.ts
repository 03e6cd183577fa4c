import { type ProblemError } from './problem.js';

/** What every owner may have so many of at once on this gateway. */
export class OwnerLimit {
  private readonly inUse = new Map<string, number>();

  /** `refuse` makes the 429 of an owner who has `open` of them, which is all. */
  constructor(
    private readonly perOwner: number,
    private readonly refuse: (total: number) => ProblemError,
  ) {}

  /** How many are taken, by all owners. */
  get open(): number {
    return [...this.inUse.values()].reduce((sum, open) => sum + open, 0);
  }

  /** Takes a place and returns how to leave it; throws a 429 when the owner has none left. */
  acquire(owner: string): () => void {
    const open = this.inUse.get(owner) ?? 0;
    if (open >= this.perOwner) throw this.refuse(open);
    this.inUse.set(owner, open + 1);
    return () => {
      const left = (this.inUse.get(owner) ?? 1) - 1;
      if (left > 0) this.inUse.set(owner, left);
      else this.inUse.delete(owner);
    };
  }
}
