/** Tests run as CommonJS through ts-jest with the full type check on: a type error fails the suite. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: {
    '^rxraft$': '<rootDir>/lib/index.ts',
    '^rxraft/(storage|transport)/(.*)$': '<rootDir>/lib/$1/$2.ts',
    '^rxraft/(core|testing)$': '<rootDir>/lib/$1/index.ts',
    // A worker thread needs JavaScript, and the file that says where it is needs `import.meta`.
    '^\\./worker-url\\.js$': '<rootDir>/spec/support/worker-url.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    // A configuration of its own: isolatedModules would switch the type check off.
    '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.spec.json' }],
  },
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['text-summary'],
};
