import { createMemoryStores } from '../src/index.js';
import { storesContract } from './contract/all.contracts.js';
import { renamedFieldsContract } from './contract/renamed.contract.js';

storesContract('memory', () => Promise.resolve(createMemoryStores()));
renamedFieldsContract('memory', () => {
  const stores = createMemoryStores();
  const { create, get } = stores.generations;
  return Promise.resolve({ stores, plant: create, stored: async (id: string) => (await get(id))?.value });
});
