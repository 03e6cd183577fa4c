import { AlreadyExistsError, ConflictError, type WebhookRegistrations, type WebhookStore } from '@clipmesh/persistence';

/** Maximum number of tries of an update that conflicts with others. */
const MAX_TRIES = 20;

/**
 * Updates an owner's webhooks and returns the result. On a conflict, `change` is called again with the new value. Saves nothing
 * when `change` returns its argument.
 */
export async function updateWebhooks(
  store: WebhookStore,
  owner: string,
  change: (webhooks: WebhookRegistrations) => WebhookRegistrations,
): Promise<WebhookRegistrations> {
  for (let tries = 1; ; tries += 1) {
    const found = await store.get(owner);
    const before = found?.value ?? { owner, endpoints: [] };
    const after = change(before);
    if (after === before) return before;
    try {
      const saved = await (found === undefined ? store.create(after) : store.save(after, found.revision));
      return saved.value;
    } catch (error) {
      const isConflict = error instanceof AlreadyExistsError || error instanceof ConflictError;
      if (!isConflict || tries === MAX_TRIES) throw error;
    }
  }
}

/** Removes a webhook of an owner. False when it does not exist. */
export async function removeEndpoint(store: WebhookStore, owner: string, id: string): Promise<boolean> {
  let exists = false;
  await updateWebhooks(store, owner, (webhooks) => {
    const endpoints = webhooks.endpoints.filter((endpoint) => endpoint.id !== id);
    exists = endpoints.length < webhooks.endpoints.length;
    return exists ? { ...webhooks, endpoints } : webhooks;
  });
  return exists;
}
