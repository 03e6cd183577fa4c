import { GENERATION_ID, type GenerationRecord } from '@clipmesh/contracts';
import { type Stores, type Versioned } from '@clipmesh/persistence';
import { notFound } from '../http/problems/problem.js';

/** Finds the generations of an owner. */
export class OwnedGenerations {
  constructor(private readonly stores: Pick<Stores, 'generations'>) {}

  /** A generation of the owner. Throws a 404 when it does not exist or belongs to another owner. */
  async find(id: string, owner: string): Promise<GenerationRecord> {
    return (await this.findEntry(id, owner)).value;
  }

  /** Like {@link find}, with the revision that an update needs. */
  async findEntry(id: string, owner: string): Promise<Versioned<GenerationRecord>> {
    const found = GENERATION_ID.test(id) ? await this.stores.generations.get(id) : undefined;
    if (found?.value.owner !== owner) throw notFound(id);
    return found;
  }
}
