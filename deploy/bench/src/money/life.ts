import { type Stores } from '@clipmesh/persistence';

/** The process of an effect is dead. */
export class Killed extends Error {}

/** One process. After `left` effects it is dead, and the result of the last one is lost. */
export interface Life {
  /** Remaining effects. Infinity: the process does not die. */
  left: number;
}
export const immortal = (): Life => ({ left: Infinity });

/** Performs one effect of a process. `turn` decides the order. Throws {@link Killed} when the process is dead, or dies of it. */
export async function perform<R>(turn: () => Promise<void>, life: Life, work: () => Promise<R>): Promise<R> {
  await turn();
  if (life.left <= 0) throw new Killed();
  const result = await work();
  life.left -= 1;
  if (life.left <= 0) throw new Killed();
  return result;
}

/** The stores of a process, each call of which is an effect. */
export function mortalStores(stores: Stores, effect: <R>(work: () => Promise<R>) => Promise<R>): Stores {
  const wrap = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => effect(async () => (await Reflect.apply(method, target, args)) as unknown);
      },
    });
  const { generations, ledger, purchases, idempotency, accounts, cache, webhooks } = stores;
  return {
    ...{ generations: wrap(generations), ledger: wrap(ledger), purchases: wrap(purchases) },
    ...{ idempotency, accounts: wrap(accounts), cache, webhooks },
  };
}
