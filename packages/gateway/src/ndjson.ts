import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** Lines are joined up to this size before they are written, unless each is wanted at once. */
const JOINED_CHARS_MAX = 32_768

/**
 * Writes one JSON line per item and waits where the client reads slowly. Ends early, and the iterator with it, when the signal
 * aborts: the client is gone or the node drains.
 * The head goes out with the first line or the end, so that an error before it still has a status; with `live` at once.
 * An error after that cuts the connection: the client must not take a part for the whole.
 */
export async function sendLines(
  response: ServerResponse,
  items: AsyncIterable<unknown>,
  options: { headers: string[]; live: boolean; signal: AbortSignal }
): Promise<void> {
  const head = () => {
    if (!response.headersSent) response.writeHead(200, [...options.headers, 'content-type', 'application/x-ndjson'])
  }
  if (options.live) {
    head()
    response.flushHeaders()
  }
  let joined = ''
  try {
    for await (const item of items) {
      if (options.signal.aborted) break
      joined += `${JSON.stringify(item)}\n`
      if (!options.live && joined.length < JOINED_CHARS_MAX) continue
      head()
      const taken = response.write(joined)
      joined = ''
      if (!taken) await once(response, 'drain', { signal: options.signal })
    }
    head()
    response.end(joined)
  } catch (error) {
    // The client went away while we waited for it, or the node drains: nothing is wrong, and nothing more comes.
    if (options.signal.aborted) {
      response.end()
      return
    }
    if (!response.headersSent) throw error
    response.destroy()
    throw error
  }
}
