import test from 'ava'
import { ask } from './_http.ts'
import { start } from './_ports.ts'

test('smoke', async (t) => {
  const node = await start(t)
  const a = await ask(node, { path: '/fn/hello?name=Ada' })
  console.log(a.status, a.rawHeaders, a.text)
  t.pass()
})
