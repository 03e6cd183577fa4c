import { createMemoryStores } from '../src/index.js';
import { generationStoreContract, purchaseStoresContract } from './contract/stores.contract.js';

const open = () => Promise.resolve(createMemoryStores());
generationStoreContract('memory', open);
purchaseStoresContract('memory', open);
