import { describe, expect, it } from '@jest/globals';
import { AlreadyExistsError, ConflictError, type Stores, type WebhookRegistrations } from '../../src/index.js';

const bookOf = (owner: string, ...ids: string[]): WebhookRegistrations => ({
  owner,
  endpoints: ids.map((digit) => ({
    id: `wh_${digit.repeat(32)}`,
    url: 'https://example.org/told?key=$a.b',
    events: ['generation.succeeded'],
    secret: 'whsec_AAAA',
    createdAt: '2026-01-01T00:00:00.000Z',
  })),
});

/** `open` gives stores over empty storage at each call. */
export function webhookStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`webhooks: ${name}`, () => {
    it('keeps one book per owner, under any name, changed by compare-and-set', async () => {
      const { webhooks } = await open();
      for (const owner of ['a b', '>', '$ne', 'a.b', '__proto__']) {
        expect(await webhooks.get(owner)).toBeUndefined();
        const made = await webhooks.create(bookOf(owner, '1'));
        await expect(webhooks.create(bookOf(owner))).rejects.toBeInstanceOf(AlreadyExistsError);
        const saved = await webhooks.save(bookOf(owner, '1', '2'), made.revision);
        await expect(webhooks.save(bookOf(owner), made.revision)).rejects.toBeInstanceOf(ConflictError);
        expect(await webhooks.get(owner)).toEqual({ value: bookOf(owner, '1', '2'), revision: saved.revision });
      }
    });

    it('refuses what is no book', async () => {
      const { webhooks } = await open();
      await expect(webhooks.create({ ...bookOf('a', '1'), owner: '' })).rejects.toThrow();
      const { revision } = await webhooks.create(bookOf('a', '1'));
      await expect(webhooks.save(bookOf('a', 'x'), revision)).rejects.toThrow();
      expect((await webhooks.get('a'))?.value).toEqual(bookOf('a', '1'));
    });
  });
}
