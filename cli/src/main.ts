/** The entry that bin/peerless runs: compile cache, the tie to the launcher, the command, the end. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Beside the code, not in the shared temporary folder, where another user of the machine could leave a cache for us to run.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/peerless'))

const [{ dieWithLauncher }, { main }] = await Promise.all([import('./launcher-tie.ts'), import('./index.ts')])
dieWithLauncher()
await main(process.argv.slice(2))
