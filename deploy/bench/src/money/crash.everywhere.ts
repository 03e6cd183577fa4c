import { type Stores } from '@clipmesh/persistence';
import { immortal, type Life } from './life.js';
import { type Fate, MoneyWorld } from './money.world.js';

const CAP = 10;
const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;

/**
 * Makes a video whose runs end as `fates` says, beside another one, and kills the working process after the first effect;
 * then repeats this with the second effect, and so on until there is none. After each kill the recovery runs, and a third
 * video is requested. Returns the number of kills. Throws when the sums are wrong.
 */
export async function crashEverywhere(open: () => Promise<Stores>, fates: readonly Fate[]): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    let doomed: Life | undefined = { left: kills + 1 };
    // One count over all processes: the process that performs the last effect dies, and later ones live.
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
    if (broken.length > 0) throw new Error(`killed after effect ${kills + 1}: ${broken.join('; ')}`);
    if (survived) return kills;
  }
}
