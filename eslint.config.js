import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Sources of non-determinism: the core and the ports have none (time is an input, randomness a seed). */
const IMPURE_GLOBALS = [
  'Date', 'performance', 'crypto', 'process', 'console', 'fetch',
  'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame',
];

/** A family of imports that a floor may not have. `spec/floors.spec.ts` enforces the floors in full; this says it in the editor. */
const forbid = (regex, message, allowTypeImports = false) => ({ regex, message, allowTypeImports });
const NODE = forbid('^node:', 'node:* belongs to the adapters (floor 3) and above');

/** The rules of one floor: which imports it may not have. */
const floor = (files, ...patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'node_modules/', '.rxraft/', '.bench/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Nothing floats: a promise is awaited, returned, or marked `void` where its failure is handled elsewhere.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: true, considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      // `interface` where it can be; a union or a mapped type has no other spelling.
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      // `return this.fail(error)` in a function that returns nothing is plain enough.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Narrowing forgets that a call may change a field: `if (closed) return; run(); if (closed) …`.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `Promise.reject(error as Error)`: what was caught is unknown to one rule and needs no assertion for another.
      '@typescript-eslint/no-unnecessary-type-assertion': ['error', { typesToIgnore: ['Error'] }],
      // `call<void>(…)` says what it is.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // It would turn `x as T` into `x!`, which the rule above refuses.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // An adapter may be synchronous behind an asynchronous port, and reject where others await.
      '@typescript-eslint/require-await': 'off',
      // Indexed loops where the index is part of the rule, and on the hot path.
      '@typescript-eslint/prefer-for-of': 'off',
      // `map['key']` is what noPropertyAccessFromIndexSignature asks for.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      // Fields that a caller may leave undefined are written out, one style for all.
      '@typescript-eslint/class-literal-property-style': ['error', 'fields'],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true } }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },

  // Floor 0: Raft itself. Imports nothing but itself.
  floor(['lib/core/**'], forbid('^[^.]', 'lib/core imports nothing but lib/core'), forbid('^\\.\\./(\\.\\./)*(?!core/)[a-z]+/', 'lib/core imports nothing but lib/core')),
  // Floor 1: contracts. Types of RxJS, nothing that runs.
  floor(
    ['lib/ports/**'],
    forbid('^rxjs', 'the ports name RxJS only as types', true),
    forbid('^(?!rxjs)[^.]', 'lib/ports imports lib/core and the types of rxjs'),
    forbid('/(node|codec|storage|transport|exporters|testing|server|cli)/', 'lib/ports stands below this floor'),
  ),
  // Floor 2: the reactive shell.
  floor(
    ['lib/node/**'],
    NODE,
    forbid('^(?!rxjs|node:)[^.]', 'lib/node imports lib/core, lib/ports and rxjs'),
    forbid('/(codec|storage|transport|exporters|testing|server|cli)/', 'lib/node stands below this floor'),
  ),
  {
    files: ['lib/core/**', 'lib/ports/**'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS.map((name) => ({ name, message: 'time is an input and randomness a seed: the core and the ports have neither' }))],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'randomness comes from the seed in the options' }],
    },
  },

  // Programs print, and so does the shell when nobody is there to take an exception.
  { files: ['lib/node/reporting/report-unhandled.ts'], rules: { 'no-console': 'off' } },
  { files: ['lib/cli/**', 'lib/server/**', 'spec/**'], rules: { 'no-console': 'off' } },
  {
    // Tests reach into unknown data and private parts, pass doubles, and assert with expect-type, which compares by
    // expression. Their texts are ASCII.
    files: ['spec/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true, allowPrivateClassPropertyAccess: true }],
    },
  },

  // Configuration and scripts: plain JavaScript on Node.
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'Buffer', 'URL', 'fetch', 'performance', 'AbortController', 'AbortSignal', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'].map((name) => [name, 'readonly']),
      ),
    },
  },
);
