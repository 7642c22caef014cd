/** The entry that bin/peerless runs: compile cache, the tie to the launcher, the command, the end. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

// Bodies are outside V8's heap. By default each 64 MB of them make it collect its whole heap, as if that held them: every third call of 5 MB.
// With this flag they count as heap does, and grow with it. Before the compile cache, whose entries are good for one set of flags.
setFlagsFromString('--external-memory-accounted-in-global-limit')

// Beside the code, not in the shared temporary folder, where another user of the machine could leave a cache for us to run.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/peerless'))

// Loads sockets, which most commands that were not started by a supervising launcher do without.
if (process.env.PEERLESS_LAUNCHER_FD !== undefined) (await import('./launcher-tie.ts')).dieWithLauncher()
const { main } = await import('./index.ts')
await main(process.argv.slice(2))
