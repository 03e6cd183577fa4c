// Jest runs straight from the TypeScript sources: the `@clipmesh/source` export condition leads to src/, swc strips types.
const swc = {
  '^.+\\.tsx?$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    },
  ],
};

const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@clipmesh/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: swc,
  transformIgnorePatterns: ['/node_modules/'],
  modulePathIgnorePatterns: ['/dist/', '/.nx/', '/.clipmesh/'],
};

export default {
  // Ends a hang and nothing else: no test may come near it, on a machine of any speed.
  testTimeout: 600_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/libs/*/src/**/*.spec.ts',
        '<rootDir>/services/*/src/**/*.spec.ts',
        '<rootDir>/deploy/*/src/**/*.spec.ts',
      ],
    },
    {
      ...base,
      displayName: 'integration',
      testMatch: [
        '<rootDir>/libs/*/test/**/*.integration.spec.ts',
        '<rootDir>/services/*/test/**/*.integration.spec.ts',
        '<rootDir>/deploy/*/test/**/*.integration.spec.ts',
      ],
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/deploy/e2e/test/**/*.e2e.spec.ts'] },
  ],
};
