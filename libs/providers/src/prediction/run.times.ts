const WEIGHT = 0.3;

/** The usual run time of each model, start to end: a moving average in which the latest run weighs 30 %. */
export class RunTimes {
  readonly #usualMs = new Map<string, number>();

  usualMs(model: string | undefined): number | undefined {
    return model === undefined ? undefined : this.#usualMs.get(model);
  }

  /** Ignores absent and invalid times. */
  learn(model: string | undefined, startedAt: string | undefined, completedAt: string | undefined): void {
    const ranMs = Date.parse(completedAt ?? '') - Date.parse(startedAt ?? '');
    if (model === undefined || !(ranMs >= 0)) return;
    const before = this.#usualMs.get(model);
    this.#usualMs.set(model, before === undefined ? ranMs : before + WEIGHT * (ranMs - before));
  }
}
