import { type Egress, PeerlessError } from '@peerless/interface'
import type { PostOrder } from '@peerless/queue'

/**
 * Delivers records to addresses outside the mesh by the way that functions' requests take, so the same policy holds: private networks are closed unless
 * `--allow-egress` opens them; and no account's deliveries take the places, or the connections, of another's.
 */
export function createPost(egress: Egress) {
  return ({ account = 'peerless', functionName, url, headers, body, timeoutMs }: PostOrder): Promise<number> =>
    new Promise((resolve, reject) => {
      // No function has such a name.
      const asker = `destinations of ${functionName}`
      const exchange = egress.open(
        {
          account,
          functionName: asker,
          instance: `${account} ${asker}`,
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
