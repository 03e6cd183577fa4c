import { describe, expect, it } from '@jest/globals';
import { AlreadyExistsError, ConflictError, type Stores, type WebhookRegistrations } from '../../src/index.js';

const registrationsOf = (owner: string, ...ids: string[]): WebhookRegistrations => ({
  owner,
  endpoints: ids.map((digit) => ({
    id: `wh_${digit.repeat(32)}`,
    url: 'https://example.org/hook?key=$a.b',
    events: ['generation.succeeded'],
    secret: 'whsec_AAAA',
    createdAt: '2026-01-01T00:00:00.000Z',
  })),
});

/** `open` returns stores with empty storage on each call. */
export function webhookStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`webhooks: ${name}`, () => {
    it('stores one record per owner with any name, saved by compare-and-set', async () => {
      const { webhooks } = await open();
      for (const owner of ['a b', '>', '$ne', 'a.b', '__proto__']) {
        expect(await webhooks.get(owner)).toBeUndefined();
        const made = await webhooks.create(registrationsOf(owner, '1'));
        await expect(webhooks.create(registrationsOf(owner))).rejects.toBeInstanceOf(AlreadyExistsError);
        const saved = await webhooks.save(registrationsOf(owner, '1', '2'), made.revision);
        await expect(webhooks.save(registrationsOf(owner), made.revision)).rejects.toBeInstanceOf(ConflictError);
        expect(await webhooks.get(owner)).toEqual({
          value: registrationsOf(owner, '1', '2'),
          revision: saved.revision,
        });
      }
    });

    it('rejects an invalid record', async () => {
      const { webhooks } = await open();
      await expect(webhooks.create({ ...registrationsOf('a', '1'), owner: '' })).rejects.toThrow();
      const { revision } = await webhooks.create(registrationsOf('a', '1'));
      await expect(webhooks.save(registrationsOf('a', 'x'), revision)).rejects.toThrow();
      expect((await webhooks.get('a'))?.value).toEqual(registrationsOf('a', '1'));
    });
  });
}
