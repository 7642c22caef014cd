// Tests are TypeScript run by Node itself. Isolates need --no-node-snapshot, which worker threads refuse: hence processes.
export const common = {
  extensions: ['ts'],
  workerThreads: false,
  nodeArguments: ['--no-node-snapshot', '--import=./scripts/test-cache.js'],
  concurrency: 2,
  timeout: '120s'
}

export default {
  ...common,
  files: ['packages/*/test/**/*.test.ts', 'node/test/**/*.test.ts', 'cli/test/**/*.test.ts', 'test/**/*.test.ts', '!test/clients/**', '!test/languages/{c,rust,go}/**']
}
