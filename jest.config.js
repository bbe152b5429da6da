/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@rejoin/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  testMatch: ['<rootDir>/{apps,libs}/*/test/**/*.{unit,int,e2e}.spec.ts'],
  globalSetup: '<rootDir>/libs/testing/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/libs/testing/jest/global-teardown.mjs',
  modulePathIgnorePatterns: ['<rootDir>/(apps|libs)/.*/dist/'],
  coverageProvider: 'v8',
  // A busy machine is no failure: tests wait on conditions, and those have shorter limits of their own.
  testTimeout: 20_000,
  maxWorkers: '100%',
  collectCoverageFrom: [
    '{apps,libs}/*/src/**/*.ts',
    '!**/{main,index}.ts',
    // What runs in a browser, or as a measured process of a benchmark, is out of this process' sight.
    '!apps/demo/src/page/**',
    '!apps/console/src/**',
    '!apps/bench/src/{peers,scenarios}/**',
    // Itself a test, which runs as a process.
    '!apps/chaos/src/**',
  ],
  coverageThreshold: { global: { lines: 80, branches: 80 } },
};
