/** What all apps answer with, so that only the frameworks differ. */
export const BINARY = Uint8Array.from({ length: 256 }, (_, index) => index)
export const LARGE = 'The quick brown fox jumps over the lazy dog. '.repeat(12_000)
export const HTML = '<!doctype html><p>Grüße, 世界 🌍</p>'

export function echo(method, url, headers, body) {
  const kept = ['accept', 'accept-language', 'authorization', 'content-type', 'cookie', 'user-agent', 'x-custom', 'x-list', 'x-empty']
  return {
    method,
    url,
    // Repeated headers are one list: payload 2.0 joins them by ',', node:http by ', '.
    headers: Object.fromEntries(kept.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name].replaceAll(', ', ',')])),
    length: body.length,
    body: Buffer.from(body).toString('base64')
  }
}
