import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import { testTime } from './deploy/lint/test.time.rules.mjs';
import { words } from './deploy/lint/words.rule.mjs';

/** Who may import whom. Imports go one way: contracts <- billing <- pipeline, config, tracing <- the doors <- purchasing <- services. */
const libs = (...names) => names.map((name) => `lib:${name}`);
const core = ['contracts', 'billing', 'pipeline', 'config', 'tracing'];
const doorLibs = ['messaging', 'persistence', 'media', 'providers', 'trace-analysis'];
/** `testing` is a leaf, so that every other library's tests may use it; that only tests do is one of the `doors`. */
const depConstraints = [
  { sourceTag: 'lib:contracts', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'lib:testing', onlyDependOnLibsWithTags: libs('contracts') },
  { sourceTag: 'lib:pipeline', onlyDependOnLibsWithTags: libs('contracts', 'billing', 'testing') },
  ...['billing', 'config', 'tracing'].map((name) => ({
    sourceTag: `lib:${name}`,
    onlyDependOnLibsWithTags: libs('contracts', 'testing'),
  })),
  ...doorLibs.map((name) => ({
    sourceTag: `lib:${name}`,
    onlyDependOnLibsWithTags: libs(...core, 'testing'),
  })),
  { sourceTag: 'lib:purchasing', onlyDependOnLibsWithTags: libs(...core, ...doorLibs, 'testing') },
  { sourceTag: 'type:service', onlyDependOnLibsWithTags: libs(...core, ...doorLibs, 'purchasing', 'testing') },
  // A service is started, never imported. The simulation runs the library code that the services run.
  {
    sourceTag: 'type:deploy',
    onlyDependOnLibsWithTags: [...libs(...core, ...doorLibs, 'purchasing', 'testing'), 'type:deploy'],
  },
];

/** Packages that live behind one door each. */
const doors = [
  {
    group: ['@nats-io/*'],
    message: 'The broker is reached through libs/messaging, libs/persistence or libs/testing.',
    dirs: ['libs/messaging', 'libs/persistence', 'libs/testing'],
  },
  { group: ['mongoose'], message: 'MongoDB is reached through libs/persistence.', dirs: ['libs/persistence'] },
  { group: ['fluent-ffmpeg'], message: 'ffmpeg is reached through libs/media.', dirs: ['libs/media'] },
  {
    group: ['node:child_process', 'child_process', 'execa'],
    message: 'Processes are started by libs/media, libs/testing and deploy.',
    dirs: ['libs/media', 'libs/testing', 'deploy'],
  },
  {
    group: ['/replicate', '/openai'],
    message: 'Model providers are reached through libs/providers.',
    dirs: ['libs/providers', 'services/sandbox/test'],
  },
];
const testingDoor = { group: ['@clipmesh/testing'], message: 'Real servers and leak checks are for tests alone.' };
const doorDirs = [...new Set(doors.flatMap((door) => door.dirs))];
const restricted = (allowedDir, isTest) => [
  'error',
  {
    patterns: [
      ...doors.filter((door) => !door.dirs.includes(allowedDir)).map(({ group, message }) => ({ group, message })),
      ...(isTest ? [] : [testingDoor]),
    ],
  },
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.nx/**', '**/.clipmesh/**', '**/out/**'] },
  js.configs.recommended,
  { plugins: { words }, rules: { 'words/replaced': 'error' } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: {
      parserOptions: { project: `${import.meta.dirname}/tsconfig.spec.json`, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, allow: [], depConstraints }],
      'no-restricted-imports': restricted(undefined, false),
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
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
  { files: ['**/*.spec.ts', '**/test/**/*.ts'], rules: { 'no-restricted-imports': restricted(undefined, true) } },
  ...doorDirs.flatMap((dir) => [
    {
      files: [`**/${dir}/**/*.ts`, ...(dir === 'deploy' ? ['deploy/**/*.ts'] : [])],
      rules: { 'no-restricted-imports': restricted(dir, dir.endsWith('/test')) },
    },
    {
      files: [
        `**/${dir}/**/*.spec.ts`,
        `**/${dir}/**/test/**/*.ts`,
        ...(dir === 'deploy' ? ['deploy/**/*.spec.ts', 'deploy/**/test/**/*.ts', 'deploy/e2e/src/**/*.ts'] : []),
      ],
      rules: { 'no-restricted-imports': restricted(dir, true) },
    },
  ]),
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
    ignores: ['**/main.ts', '**/*.{module,actor,controller,guard,pipe,decorator,filter}.ts', '**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...doors.map(({ group, message }) => ({ group, message })),
            testingDoor,
            {
              group: ['@nestjs/*'],
              message:
                'Domain files are plain TypeScript: Nest belongs to main, module, actor, controller, guard, pipe, decorator and filter files.',
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
    files: ['**/*.spec.ts', '**/test/**/*.ts'],
    plugins: { 'test-time': testTime },
    rules: { 'test-time/no-elapsed-time': 'error', 'test-time/hang-deadline': 'error' },
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
        AbortController: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);
