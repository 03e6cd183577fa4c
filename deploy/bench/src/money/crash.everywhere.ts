import { type Stores } from '@clipmesh/persistence';
import { type Fate, immortal, type Life, MoneyWorld } from './money.world.js';

const CAP = 10;
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;

/**
 * Makes a film whose runs end as told, next to another, and kills the process that is at work behind the first effect; then
 * the same anew and behind the second, until there is none left. After each the recovery runs, and a third film is asked
 * for. Throws when the sums do not hold; says how many kills there were.
 */
export async function crashEverywhere(open: () => Promise<Stores>, fates: readonly Fate[]): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    let doomed: Life | undefined = { left: kills + 1 };
    // One count over all processes: who uses up the last effect dies, and whoever comes next lives on.
    const life = (): Life => ((doomed?.left ?? 0) > 0 ? (doomed ?? immortal()) : immortal());
    const rules = { limitMicros: 2 * CAP, period: 'month' } as const;
    const none = Promise.resolve();
    const world = new MoneyWorld(
      await open(),
      rules,
      (id) => (id === idOf(1) ? fates : []),
      () => none,
      life,
    );
    await world.create(idOf(1), CAP, life());
    await world.quiet();
    await world.sweep(life());
    await world.create(idOf(2), CAP, life());
    const survived = doomed.left > 0;
    doomed = undefined;
    await world.recover();
    await world.create(idOf(3), CAP, immortal());
    await world.recover();
    const broken = await world.broken();
    if (broken.length > 0) throw new Error(`killed behind effect ${kills + 1}: ${broken.join('; ')}`);
    if (survived) return kills;
  }
}
