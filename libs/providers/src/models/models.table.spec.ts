import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { loadModels } from './load.models.js';
import { modelsTable } from './models.table.js';

describe('the table of models in the docs', () => {
  it('is that of the shipped models', async () => {
    const page = await readFile(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');
    expect(page).toContain(modelsTable(await loadModels()));
  });

  it('has the price of each kind of clip with its date', async () => {
    const [row] = modelsTable(await loadModels())
      .split('\n')
      .filter((line) => line.includes('google/veo-3.1-fast'));
    expect(row).toMatch(/with sound \$0\.15 a second<br>silent \$0\.1 a second \| \d{4}-\d{2}-\d{2} \|$/);
  });
});
