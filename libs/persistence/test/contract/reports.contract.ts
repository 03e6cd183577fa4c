import { describe, expect, it } from '@jest/globals';
import { openProviderReports, type ProviderReports, type Stores } from '../../src/index.js';
import { idOf } from './stores.contract.js';

/** `open` returns stores with empty storage on each call. */
export function providerReportsContract(name: string, open: () => Promise<Stores>): void {
  const opened = async (): Promise<ProviderReports> => openProviderReports((await open()).idempotency);
  const key = `clip.${idOf(1)}.0.1`;

  describe(`reports of providers: ${name}`, () => {
    it('keeps the first report of a purchase, also when many arrive at once', async () => {
      const reports = await opened();
      expect(await reports.find('fal', key)).toBeUndefined();
      const recorded = await Promise.all(
        Array.from({ length: 8 }, (_, n) => reports.record('fal', key, `request-${n}`)),
      );
      const [first] = recorded.filter(({ isNew }) => isNew);
      expect(recorded.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(recorded.every(({ value }) => value === first?.value)).toBe(true);
      expect(await reports.find('fal', key)).toBe(first?.value);
    });

    it('keeps the reports of providers and purchases apart', async () => {
      const reports = await opened();
      await reports.record('fal', key, 'a');
      await reports.record('cog', key, 'b');
      await reports.record('fal', `clip.${idOf(1)}.1.1`, 'c');
      expect([await reports.find('fal', key), await reports.find('cog', key)]).toEqual(['a', 'b']);
      expect(await reports.find('fal', `clip.${idOf(2)}.0.1`)).toBeUndefined();
    });

    it.each(['', 'k', 'clip.gen_1.0.1', `llm.${idOf(1)}.0.1`, `${key}.1`, `clip.${idOf(1)}.0.x`, `clip.${idOf(1)}.0`])(
      'refuses a report that is not about the purchase of a clip: %s',
      async (wrong) => {
        const reports = await opened();
        await expect(reports.record('fal', wrong, 'a')).rejects.toMatchObject({ code: 'SCHEMA_VIOLATION' });
        expect(await reports.find('fal', wrong)).toBeUndefined();
      },
    );
  });
}
