import { Socket } from 'node:net'

/**
 * bin/peerless holds the other end of descriptor 3: when it closes, the launcher was killed without a chance to forward anything, and
 * whoever killed it meant this process. Does nothing where no launcher left its mark in the environment.
 */
export function dieWithLauncher(): void {
  if (process.env.PEERLESS_LAUNCHER_FD !== '3') return
  delete process.env.PEERLESS_LAUNCHER_FD
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
