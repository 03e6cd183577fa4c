import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Who may import whom. Imports go one way: contracts <- pipeline, config, tracing <- the doors <- services. */
const libs = (...names) => names.map((name) => `lib:${name}`);
const depConstraints = [
  { sourceTag: 'lib:contracts', onlyDependOnLibsWithTags: [] },
  ...['pipeline', 'config', 'tracing'].map((name) => ({
    sourceTag: `lib:${name}`,
    onlyDependOnLibsWithTags: libs('contracts'),
  })),
  ...['messaging', 'persistence', 'media', 'providers', 'trace-analysis'].map((name) => ({
    sourceTag: `lib:${name}`,
    onlyDependOnLibsWithTags: libs('contracts', 'pipeline', 'config', 'tracing'),
  })),
  {
    sourceTag: 'lib:testing',
    onlyDependOnLibsWithTags: libs(
      'contracts',
      'pipeline',
      'config',
      'tracing',
      'messaging',
      'persistence',
      'media',
      'providers',
    ),
  },
  {
    sourceTag: 'type:service',
    onlyDependOnLibsWithTags: libs(
      'contracts',
      'pipeline',
      'config',
      'tracing',
      'messaging',
      'persistence',
      'media',
      'providers',
      'trace-analysis',
      'testing',
    ),
  },
  {
    sourceTag: 'type:deploy',
    onlyDependOnLibsWithTags: libs(
      'contracts',
      'pipeline',
      'config',
      'tracing',
      'messaging',
      'persistence',
      'media',
      'providers',
      'trace-analysis',
      'testing',
    ),
  },
];

/** Packages that live behind one door each. */
const doors = [
  {
    group: ['@nats-io/*'],
    message: 'The broker is reached through libs/messaging, libs/persistence or libs/testing.',
    dirs: ['libs/messaging', 'libs/persistence', 'libs/persistence/test', 'libs/testing'],
  },
  { group: ['mongoose'], message: 'MongoDB is reached through libs/persistence.', dirs: ['libs/persistence'] },
  { group: ['fluent-ffmpeg'], message: 'ffmpeg is reached through libs/media.', dirs: ['libs/media'] },
  {
    group: ['node:child_process', 'child_process', 'execa'],
    message: 'Processes are started by libs/media, libs/testing and deploy.',
    dirs: ['libs/media', 'libs/testing', 'libs/persistence/test', 'deploy'],
  },
  {
    group: ['replicate', 'openai'],
    message: 'Model providers are reached through libs/providers.',
    dirs: ['libs/providers', 'services/sandbox/test'],
  },
];
const doorDirs = [...new Set(doors.flatMap((door) => door.dirs))];
const restricted = (allowedDir) => [
  'error',
  {
    patterns: doors.filter((door) => !door.dirs.includes(allowedDir)).map(({ group, message }) => ({ group, message })),
  },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.nx/**', '**/.clipmesh/**', '**/out/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: {
      parserOptions: { project: `${import.meta.dirname}/tsconfig.spec.json`, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, allow: [], depConstraints }],
      'no-restricted-imports': restricted(undefined),
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // Nest takes plain option objects where its types name classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Settings are read by libs/config (and tracing/register) alone.',
        },
      ],
    },
  },
  ...doorDirs.map((dir) => ({
    files: [`**/${dir}/**/*.ts`, ...(dir === 'deploy' ? ['deploy/**/*.ts'] : [])],
    rules: { 'no-restricted-imports': restricted(dir) },
  })),
  {
    files: [
      '**/libs/config/src/**',
      '**/libs/tracing/src/register.ts',
      '**/libs/testing/**',
      '**/deploy/**',
      '**/*.spec.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/services/*/src/**/*.ts'],
    ignores: ['**/main.ts', '**/*.module.ts', '**/*.actor.ts', '**/*.controller.ts', '**/*.filter.ts', '**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...doors.map(({ group, message }) => ({ group, message })),
            {
              group: ['@nestjs/*'],
              message: 'Domain files are plain TypeScript: Nest belongs to main, module, actor and controller files.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.spec.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);
