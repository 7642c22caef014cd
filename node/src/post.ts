import { type Egress, PeerlessError } from '@peerless/interface'

/**
 * Delivers records to addresses outside the mesh by the way that functions' requests take, so the same policy holds: private networks are closed unless
 * `--allow-egress` opens them.
 */
export function createPost(egress: Egress) {
  return (url: string, headers: Record<string, string>, body: Uint8Array, timeoutMs: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const exchange = egress.open(
        {
          account: 'peerless',
          functionName: 'destinations',
          instance: 'destinations',
          hosts: undefined,
          method: 'POST',
          url,
          headers: ['user-agent', 'peerless', ...Object.entries(headers).flat()],
          redirect: 'manual',
          bodyBytes: body.length,
          body,
          bodyEnded: true,
          timeoutMs
        },
        {
          head: ({ status }) => {
            // Only the status counts.
            exchange.abort()
            resolve(status)
          },
          data: () => undefined,
          pull: () => undefined,
          failed: ({ message, denied }) => reject(new PeerlessError(denied ? 'FORBIDDEN' : 'CONNECTION_LOST', message))
        }
      )
    })
}
