/**
 * `node:` modules that a function may ask for, without the prefix. What is not listed is refused when it is required.
 * Each is evaluated on its first `require`, so a module that nobody asks for costs an instance nothing.
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
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types'
]
