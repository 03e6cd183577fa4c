import { SETTINGS, type Setting } from '@clipmesh/config';
import { describe, expect, it } from '@jest/globals';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { PAID_VARIABLES, withoutProviders } from '../paid.environment.mjs';

describe('the environment of tests', () => {
  it('has no variable with which a provider is used, and keeps the others', () => {
    const set = Object.fromEntries([...PAID_VARIABLES, 'PATH'].map((variable) => [variable, 'x']));
    expect(withoutProviders(set)).toEqual({ PATH: 'x' });
  });

  it('names settings only', () => {
    const variables = Object.values<Setting>(SETTINGS).map(({ variable }) => variable);
    expect(PAID_VARIABLES.filter((variable) => !variables.includes(variable))).toEqual([]);
  });
});
