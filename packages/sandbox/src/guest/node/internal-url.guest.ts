/** lib/internal/url as the rest of the library needs it, over the global URL. @param load the library's own */
export function makeInternalUrl(load: (id: string) => unknown): Record<string, unknown> {
  type Made = new (...values: unknown[]) => Error
  const { codes } = load('internal/errors') as { codes: Record<string, Made> }
  const path = load('path') as typeof import('node:path')
  const fail = (code: string, ...values: unknown[]): Error => new (codes[code] as Made)(...values)

  const isURL = (value: unknown): value is URL => {
    const url = value as Partial<URL> | null | undefined
    return Boolean(
      url?.href &&
        url.protocol &&
        (url as { auth?: unknown }).auth === undefined &&
        (url as { path?: unknown }).path === undefined
    )
  }

  const fileURLToPath = (alleged: string | URL): string => {
    const url = typeof alleged === 'string' ? new URL(alleged) : alleged
    if (!isURL(url)) throw fail('ERR_INVALID_ARG_TYPE', 'path', ['string', 'URL'], alleged)
    if (url.protocol !== 'file:') throw fail('ERR_INVALID_URL_SCHEME', 'file')
    if (url.hostname !== '') throw fail('ERR_INVALID_FILE_URL_HOST', 'linux')
    if (/%2f/i.test(url.pathname)) throw fail('ERR_INVALID_FILE_URL_PATH', 'must not include encoded / characters', url)
    return decodeURIComponent(url.pathname)
  }

  const pathToFileURL = (alleged: string): URL => {
    if (typeof alleged !== 'string') throw fail('ERR_INVALID_ARG_TYPE', 'path', 'string', alleged)
    let resolved = path.resolve(alleged)
    if (alleged.endsWith('/') && !resolved.endsWith('/')) resolved += '/'
    const escaped = resolved.replace(/[%\\\n\r\t?#]/g, (character) => encodeURIComponent(character))
    return new URL(`file://${escaped}`)
  }

  const urlToHttpOptions = (url: URL): Record<string, unknown> => {
    if (typeof url !== 'object' || url === null) throw fail('ERR_INVALID_ARG_TYPE', 'url', 'object', url)
    // Also of an object that only looks like one, such as a copy.
    const { hostname, pathname, port, username, password, search } = url as Partial<URL>
    const options: Record<string, unknown> = {
      ...url,
      protocol: url.protocol,
      hostname: hostname?.startsWith('[') === true ? hostname.slice(1, -1) : hostname,
      hash: url.hash,
      search,
      pathname,
      path: `${pathname ?? ''}${search ?? ''}`,
      href: url.href
    }
    if (port !== '') options.port = Number(port)
    if (username || password) options.auth = `${decodeURIComponent(username ?? '')}:${decodeURIComponent(password ?? '')}`
    return options
  }

  const domainToASCII = (domain: string): string => URL.parse(`ws://${domain}`)?.hostname ?? ''
  const protocols = ['http', 'https', 'ftp', 'gopher', 'file', 'ws', 'wss']
  return {
    URL,
    URLSearchParams,
    isURL,
    domainToASCII,
    domainToUnicode: (domain: string) =>
      (load('punycode') as { toUnicode(text: string): string }).toUnicode(domainToASCII(domain)),
    fileURLToPath,
    fileURLToPathBuffer: (url: string | URL) => Buffer.from(fileURLToPath(url)),
    pathToFileURL,
    toPathIfFileURL: (value: unknown) => (isURL(value) ? fileURLToPath(value) : value),
    urlToHttpOptions,
    unsafeProtocol: new Set(['javascript', 'javascript:']),
    hostlessProtocol: new Set(['javascript', 'javascript:']),
    slashedProtocol: new Set(protocols.flatMap((name) => [name, `${name}:`])),
    encodeStr: (load('internal/querystring') as { encodeStr: unknown }).encodeStr
  }
}

/** internalBinding('url').format: of url.format(URL, options). */
export const makeFormatUrl =
  (load: (id: string) => unknown) =>
  (href: string, fragment: boolean, unicode: boolean, search: boolean, auth: boolean): string => {
    const url = new URL(href)
    if (!fragment) url.hash = ''
    if (!search) url.search = ''
    if (!auth) {
      url.username = ''
      url.password = ''
    }
    if (!unicode || !url.hostname.includes('xn--')) return url.href
    return url.href.replace(url.hostname, (load('punycode') as { toUnicode(text: string): string }).toUnicode(url.hostname))
  }
