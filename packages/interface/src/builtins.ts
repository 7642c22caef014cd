/**
 * `node:` modules that a function may ask for, without the prefix. Each is evaluated on its first `require`, so a module that nobody asks
 * for costs an instance nothing.
 */
export const BUILTINS_SUPPORTED: readonly string[] = [
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'console',
  'constants',
  'crypto',
  'diagnostics_channel',
  'events',
  'fs',
  'fs/promises',
  'http',
  'https',
  'module',
  'net',
  'os',
  'path',
  'path/posix',
  'path/win32',
  'perf_hooks',
  'process',
  'punycode',
  'querystring',
  'readline',
  'readline/promises',
  'stream',
  'stream/consumers',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers',
  'timers/promises',
  'tty',
  'url',
  'util',
  'util/types',
  'zlib'
]

/**
 * Modules of Node that functions do not have. The author's own import of one fails at deployment; that of a package fails when it is used,
 * since many packages import what they use only elsewhere.
 */
export const BUILTINS_ABSENT: readonly string[] = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'domain',
  'http2',
  'inspector',
  'inspector/promises',
  'repl',
  'sea',
  'sqlite',
  'test',
  'test/reporters',
  'tls',
  'trace_events',
  'v8',
  'vm',
  'wasi',
  'worker_threads'
]
