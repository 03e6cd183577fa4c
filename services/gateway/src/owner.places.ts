import { type ProblemError } from './problem.js';

/** What every owner may have so many of at once on this gateway. */
export class OwnerPlaces {
  private readonly taken = new Map<string, number>();

  /** `refuse` makes the 429 of an owner who has `open` of them, which is all. */
  constructor(
    private readonly perOwner: number,
    private readonly refuse: (open: number) => ProblemError,
  ) {}

  /** How many are taken, by all owners. */
  get open(): number {
    return [...this.taken.values()].reduce((sum, open) => sum + open, 0);
  }

  /** Takes a place and returns how to leave it; throws a 429 when the owner has none left. */
  take(owner: string): () => void {
    const open = this.taken.get(owner) ?? 0;
    if (open >= this.perOwner) throw this.refuse(open);
    this.taken.set(owner, open + 1);
    return () => {
      const left = (this.taken.get(owner) ?? 1) - 1;
      if (left > 0) this.taken.set(owner, left);
      else this.taken.delete(owner);
    };
  }
}
