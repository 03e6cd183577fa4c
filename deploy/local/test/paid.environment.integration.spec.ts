import { PAID_VARIABLES as paidSettings } from '@clipmesh/config';
import { describe, expect, it } from '@jest/globals';
import { PAID_VARIABLES, withoutProviders } from '../paid.environment.mjs';

describe('the environment of tests', () => {
  it('has no variable with which a provider is used, and keeps the others', () => {
    const set = Object.fromEntries([...PAID_VARIABLES, 'PATH'].map((variable) => [variable, 'x']));
    expect(withoutProviders(set)).toEqual({ PATH: 'x' });
  });

  it('has the generated list of the settings that lead to a provider', () => {
    expect(PAID_VARIABLES).toEqual(paidSettings);
    expect(PAID_VARIABLES).toEqual(expect.arrayContaining(['REPLICATE_API_TOKEN', 'FAL_KEY', 'OPENAI_API_KEY']));
  });
});
