import { AlreadyExistsError, ConflictError, type WebhookBook, type WebhookStore } from '@clipmesh/persistence';

/** Turns of one change that keeps meeting others. */
const MAX_TRIES = 20;

/**
 * Changes an owner's book; `change` may be called again when another change comes in between. The book that it was given
 * saves nothing. Answers the book as it is then.
 */
export async function updateWebhooks(
  store: WebhookStore,
  owner: string,
  change: (book: WebhookBook) => WebhookBook,
): Promise<WebhookBook> {
  for (let turn = 1; ; turn += 1) {
    const found = await store.get(owner);
    const before = found?.value ?? { owner, endpoints: [] };
    const after = change(before);
    if (after === before) return before;
    try {
      const saved = await (found === undefined ? store.create(after) : store.save(after, found.revision));
      return saved.value;
    } catch (error) {
      const isMoved = error instanceof AlreadyExistsError || error instanceof ConflictError;
      if (!isMoved || turn === MAX_TRIES) throw error;
    }
  }
}

/** Takes an endpoint out of an owner's book; false when it was not in it. */
export async function removeEndpoint(store: WebhookStore, owner: string, id: string): Promise<boolean> {
  let isThere = false;
  await updateWebhooks(store, owner, (book) => {
    const endpoints = book.endpoints.filter((endpoint) => endpoint.id !== id);
    isThere = endpoints.length < book.endpoints.length;
    return isThere ? { ...book, endpoints } : book;
  });
  return isThere;
}
