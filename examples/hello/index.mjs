// The smallest function: `curl 'http://127.0.0.1:8787/fn/hello?name=Ada'`.
export const handler = async (event) => {
  const name = event.queryStringParameters?.name ?? 'world'
  return { statusCode: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `Hello, ${name}!\n` }
}
