import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { dataFolder, up } from '../_daemon.ts'

/** The first code block of a language in a section of a page. */
function example(page: string, section: string, language: string): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
  const part = text.split(/^## /m).find((one) => one.startsWith(`${section}\n`))
  return new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(part ?? '')?.[1] ?? ''
}

test('the streaming example, deployed as it is and with no settings of its own, ends whole', async (t) => {
  const node = await up(t)
  const file = join(await dataFolder(t), 'ticks.mjs')
  await writeFile(file, example('http.md', 'Streaming', 'js'))
  t.is((await node.shell('deploy', file)).code, 0)
  t.is((await node.shell('routes', 'add', 'GET /ticks', 'ticks', '--stream')).code, 0)
  const answer = await fetch(`${node.http}/ticks`)
  t.is(answer.headers.get('content-type'), 'text/event-stream')
  // Throws where the connection is cut.
  t.deepEqual((await answer.text()).match(/^id: .*$/gm), ['id: 1', 'id: 2', 'id: 3'])
})

test('the page for operators lists every metric of a node, with its own words', async (t) => {
  const node = await up(t)
  const served = await (await fetch(`${node.http}/metrics`)).text()
  const page = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8')
  const sorted = (rows: RegExpExecArray[]) => rows.map(([, name, help]) => `${name}: ${help}`).sort()
  t.deepEqual(
    sorted([...page.matchAll(/^\| `(peerless_\w+)` \|[^|]*\| (.*) \|$/gm)]),
    sorted([...served.matchAll(/^# HELP (peerless_\w+) (.*)$/gm)])
  )
})
