/** The entry that bin/peerless runs: compile cache, the tie to the launcher, the command, the end. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Beside the code, not in the shared temporary folder, where another user of the machine could leave a cache for us to run.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/peerless'))

if (process.env.PEERLESS_LAUNCHER_FD === '3') await dieWithLauncher()
const { main } = await import('./index.ts')
await main(process.argv.slice(2))

/** bin/peerless holds the other end of descriptor 3: when it closes, the launcher was killed without a chance to forward anything. */
async function dieWithLauncher(): Promise<void> {
  delete process.env.PEERLESS_LAUNCHER_FD
  const { Socket } = await import('node:net')
  try {
    const pipe = new Socket({ fd: 3, readable: true, writable: false })
    // An error of the pipe is followed by 'close', which is what counts.
    pipe.on('error', () => undefined)
    pipe.on('close', () => process.kill(process.pid, 'SIGKILL'))
    pipe.resume()
    pipe.unref()
  } catch {
    // The variable was inherited from elsewhere and descriptor 3 is no pipe: there is no launcher to follow.
  }
}
