/**
 * Flags of an executor. The permission model allows nothing but loading addons: no file, no child process, no worker, no socket
 * (the inherited pipe is open already). Isolates need `--no-node-snapshot` (isolated-vm, README).
 */
export function executorArguments(addonPath: string): string[] {
  return [
    '--permission',
    '--allow-addons',
    '--no-node-snapshot',
    '--no-warnings',
    // For the guards inside isolates, which take it out of the guest's reach: memory outside the heap is given back by a collection.
    '--expose-gc-as=__peerlessCollect',
    // Young generation of the executor and of every isolate in it: frames and events die young, and copying survivors costs more.
    '--max-semi-space-size=8',
    // The script comes through stdin.
    '-',
    addonPath
  ]
}

/** Where the frames are: after stdin (the script), stdout (nothing) and stderr (what V8 says when it dies). */
export const EXECUTOR_PIPE_FD = 3
