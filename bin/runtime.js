'use strict'
// What every process of a node does before its own code is read. JavaScript, because what enables the cache cannot come from it: to rid one file of
// its types Node reads its TypeScript compiler, which takes a command 150 ms of processor.
const { enableCompileCache } = require('node:module')
const path = require('node:path')
const { setFlagsFromString } = require('node:v8')

// Bodies are outside V8's heap. By default each 64 MB of them make it collect its whole heap, as if that held them: every third call of 5 MB.
// With this flag they count as heap does, and grow with it. Before the compile cache, whose entries are good for one set of flags.
setFlagsFromString('--external-memory-accounted-in-global-limit')

// Beside the code, not in the shared temporary folder, where another user of the machine could leave a cache for us to run.
enableCompileCache(path.join(__dirname, '..', 'node_modules', '.cache', 'peerless'))
