const CALL = /(?<![\w$.])require\.resolve\(\s{0,9}(["'])([^"'\\\n]{1,300})\1\s{0,9}\)/g

/**
 * `require.resolve('./table.dat')` says where a file is, mostly to read it. For ES modules esbuild leaves the call as it is, and at run time nobody knows any more
 * which module asks: so the answer is written into it.
 * @param placeOf where a function finds what a name leads to; undefined: nowhere, which fails when it is asked
 */
export async function withPlaces(text: string, placeOf: (name: string) => Promise<string | undefined>): Promise<string> {
  if (!text.includes('require.resolve')) return text
  const places = new Map<string, string | undefined>()
  for (const [, , name] of text.matchAll(CALL)) {
    if (name !== undefined && !places.has(name)) places.set(name, await placeOf(name))
  }
  return text.replace(CALL, (call, _quote, name: string) => {
    const place = places.get(name)
    return place === undefined ? call : `require.resolve(${JSON.stringify(place)})`
  })
}
