import { AlreadyExistsError, ConflictError, type WebhookBook, type WebhookStore } from '@clipmesh/persistence';

/** Turns of one change that keeps meeting others. */
const TURNS = 20;

/** Changes an owner's book; `change` may be called again when another change comes in between. */
export async function changeBook(
  store: WebhookStore,
  owner: string,
  change: (endpoints: WebhookBook['endpoints']) => WebhookBook['endpoints'],
): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    const found = await store.get(owner);
    const before = found?.value.endpoints ?? [];
    const endpoints = change(before);
    if (endpoints === before) return;
    try {
      await (found === undefined
        ? store.create({ owner, endpoints })
        : store.save({ owner, endpoints }, found.revision));
      return;
    } catch (error) {
      const isMoved = error instanceof AlreadyExistsError || error instanceof ConflictError;
      if (!isMoved || turn === TURNS) throw error;
    }
  }
}

/** Takes an endpoint out of an owner's book; false when it was not in it. */
export async function removeEndpoint(store: WebhookStore, owner: string, id: string): Promise<boolean> {
  let isThere = false;
  await changeBook(store, owner, (endpoints) => {
    const left = endpoints.filter((endpoint) => endpoint.id !== id);
    isThere = left.length < endpoints.length;
    return isThere ? left : endpoints;
  });
  return isThere;
}
