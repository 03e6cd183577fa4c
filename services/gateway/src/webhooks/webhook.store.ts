import { retryOnConflict } from '@clipmesh/contracts';
import { type WebhookRegistrations, type WebhookStore } from '@clipmesh/persistence';

/**
 * Updates an owner's webhooks and returns the result. On a conflict, `change` is called again with the new value. Saves nothing
 * when `change` returns its argument. Throws `STORE_UNAVAILABLE` after too many conflicts.
 */
export async function updateWebhooks(
  store: WebhookStore,
  owner: string,
  change: (webhooks: WebhookRegistrations) => WebhookRegistrations,
): Promise<WebhookRegistrations> {
  return retryOnConflict(`the webhooks of ${owner}`, async () => {
    const found = await store.get(owner);
    const before = found?.value ?? { owner, endpoints: [] };
    const after = change(before);
    if (after === before) return before;
    const saved = await (found === undefined ? store.create(after) : store.save(after, found.revision));
    return saved.value;
  });
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
