/** Tests run as CommonJS through ts-jest with the full type check on: a type error fails the suite. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: {
    '^rxraft$': '<rootDir>/lib/index.ts',
    '^rxraft/(storage|transport)/(.*)$': '<rootDir>/lib/$1/$2.ts',
    '^rxraft/(core|testing)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      {
        tsconfig: {
          extends: './tsconfig.json',
          module: 'CommonJS',
          moduleResolution: 'Bundler',
          verbatimModuleSyntax: false,
          paths: {
            rxraft: ['./lib/index.ts'],
            'rxraft/core': ['./lib/core/index.ts'],
            'rxraft/testing': ['./lib/testing/index.ts'],
            'rxraft/*': ['./lib/*.ts'],
          },
        },
      },
    ],
  },
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['text-summary'],
};
