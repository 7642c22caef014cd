// Loads a worker per id from the source that is posted first, as a platform of functions would.
const sources = new Map()

export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    const kind = url.searchParams.get('kind')
    if (request.method === 'PUT') {
      sources.set(kind, await request.text())
      return new Response('kept')
    }
    const id = url.searchParams.get('id')
    const worker = env.LOADER.get(`${kind}-${id}`, () => ({
      compatibilityDate: '2026-01-01',
      compatibilityFlags: kind === 'node' ? ['nodejs_compat'] : [],
      mainModule: 'main.js',
      modules: { 'main.js': `${sources.get(kind)}\n// ${id}` }
    }))
    return await worker.getEntrypoint().fetch('http://worker/')
  }
}
