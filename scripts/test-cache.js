/**
 * Loaded before each test file: what they have in common is compiled, and rid of its types, once and not by each of the processes. JavaScript, because what
 * enables the cache cannot come from it.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/peerless'))
