import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordCharges } from '@clipmesh/billing';
import { type Charge, type DomainEvent } from '@clipmesh/contracts';
import { openKvStores, type Stores } from '@clipmesh/persistence';
import { type Broker, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const DEADLINE_MS = 120_000;
const PROGRAM = join(import.meta.dirname, '../dist/reconcile.js');
const AT = '2026-11-28T10:31:00.000Z';

let broker: Broker;
let folder: TempFolder;
let stores: Stores;
let generations = 0;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('reconcile');
  stores = await openKvStores(await broker.connect());
}, DEADLINE_MS);
afterAll(async () => {
  await broker.stop();
  await folder.remove();
}, DEADLINE_MS);

function clip(provider: string, model: string, id: string, amountMicros: number, more: Partial<Charge> = {}): Charge {
  return {
    ...{ key: `prediction:${provider}:${id}`, kind: 'clip', stage: 'clip', provider, model, scene: 0 },
    ...{ quantity: 5, unit: 'second', amountMicros, outcome: 'succeeded' },
    ...more,
  };
}

const adjustmentOf = (charge: Charge, amountMicros: number): Charge => ({
  ...{ ...charge, amountMicros, quantity: 0 },
  ...{ key: `adjustment:${charge.key}`, kind: 'adjustment', adjusts: charge.key },
});

const newId = (): string => `gen_${(generations += 1).toString(16).padStart(32, '0')}`;
/** Records the charges as the cost service does. */
function record(generationId: string, charges: readonly Charge[]): Promise<void> {
  const body = { generationId, at: AT, charges: [...charges], scene: 0, predictionId: 'any' };
  return recordCharges(stores, { name: 'clip.abandoned', body } as unknown as DomainEvent);
}

/** Runs `npm run reconcile` with an invoice. */
async function compare(provider: string, invoice: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = join(folder.path, `${provider}.invoice`);
  await writeFile(file, invoice);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, '--provider', provider, '--file', file],
      { env: { PATH: process.env['PATH'], NATS_URL: broker.url, DATA_DIR: folder.path }, timeout: DEADLINE_MS },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

describe('npm run reconcile', () => {
  const KLING = '0b2f0c5e-58b8-4a6f-9a3c-5b1f5f4f8a11';
  const VEO = '764cabcf-b745-4b3e-ae38-1200304cf45b';
  const HEADER =
    'request_id,endpoint_id,timestamp,output_units,unit_price,percent_discount,cost_subtotal,cost_discount,cost_total';
  const ROWS = [
    `${KLING},fal-ai/kling-video/v3/pro/text-to-video,2026-11-28T10:31:02Z,5,0.112,,0.56,0,0.56`,
    `${VEO},fal-ai/veo3.1/fast,2026-11-28T10:30:45Z,6,0.15,10,0.9,0.09,0.81`,
  ];

  it("compares fal's billing events with the ledger, and an adjustment makes them equal", async () => {
    const kling = clip('fal', 'fal-ai/kling-video/v3/pro', KLING, 560_000);
    const veo = clip('fal', 'fal-ai/veo3.1/fast', VEO, 900_000);
    const id = newId();
    await record(id, [kling, veo]);
    const csv = [HEADER, ...ROWS, ''].join('\n');
    const different = await compare('fal', csv);
    expect(different).toMatchObject({ code: 1, stderr: expect.stringContaining('fal differ') });
    expect(different.stdout).toContain('Different amounts: 1, ledger $0.900000, invoice $0.810000');
    expect(different.stdout).toContain('1 equal; ledger $1.460000, invoice $1.370000, difference $0.090000');

    await record(id, [veo, adjustmentOf(veo, -90_000)]);
    const same = await compare('fal', csv);
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toContain('2 equal; ledger $1.370000, invoice $1.370000, difference $0.000000');

    const lost = clip('fal', 'fal-ai/veo3.1/fast', 'lost', 900_000, { outcome: 'failed', assumed: true });
    await record(newId(), [lost]);
    const assumed = await compare('fal', csv);
    expect(assumed).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/Only in the ledger: 1,[^]*lost [^]*assumed/),
    });
  });

  it('compares a list of the seconds of an own GPU with the ledger', async () => {
    const key = `clip.gen_${'1'.repeat(32)}.0.1`;
    await record(newId(), [clip('cog', 'cog/animatic', key, 6250, { quantity: 12.5, unit: 'gpu_second' })]);
    const header = 'prediction id,model,predict_time,amount,completed at';
    const row = `${key},cog/animatic,12.5,0.00625,2026-11-28 10:31:00`;
    const same = await compare('cog', [header, row].join('\r\n'));
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toContain('1 equal; ledger $0.006250, invoice $0.006250, difference $0.000000');
    const other = await compare('cog', [header, row, 'other,cog/animatic,1,0.0005,2026-11-28 10:32:00'].join('\n'));
    expect(other).toMatchObject({ code: 1, stdout: expect.stringContaining('Only in the invoice: 1') });
  });

  it('refuses an invoice without amounts', async () => {
    const { code, stderr } = await compare('fal', `${HEADER.split(',').slice(0, 4).join(',')}\n`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/amount/);
  });
});
