import { createMemoryStores } from '../src/index.js';
import { storesContract } from './contract/all.contracts.js';

storesContract('memory', () => Promise.resolve(createMemoryStores()));
