import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import { type Daemon, dataFolder, eventually, up } from '../_daemon.ts'

/** Says what it is told to. */
const SAYS = "exports.handler = async (event) => { console.log('said ' + event.word); return event.word }"

async function messagesOf(node: Daemon): Promise<string[]> {
  const { stdout } = await node.cli('logs', 'says', '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { message: string }).message).filter((message) => message.startsWith('said'))
}

function writtenIn(data: string, message: string): number {
  const database = new DatabaseSync(join(data, 'logs', 'logs.sqlite'), { readOnly: true })
  const { count } = database.prepare('SELECT count(*) AS count FROM lines WHERE message = ?').get(message) as { count: number }
  database.close()
  return count
}

test('what a function wrote is there after a restart, and after a kill as far as it was on disk', async (t) => {
  const data = await dataFolder(t)
  const file = join(await dataFolder(t), 'says.js')
  await writeFile(file, SAYS)
  const first = await up(t, { data })
  t.is((await first.cli('deploy', file, '--name', 'says')).code, 0)
  const say = (node: Daemon, word: string) => node.cli('invoke', 'says', '--data', JSON.stringify({ word }))
  await say(first, 'one')
  await first.stop()
  const second = await up(t, { data })
  t.deepEqual(await messagesOf(second), ['said one'])
  await say(second, 'two')
  t.deepEqual(await messagesOf(second), ['said one', 'said two'])
  await say(second, 'three')
  // The last tenth of a second may go with a kill.
  await eventually(
    async () => writtenIn(data, 'said three'),
    (count) => count === 1
  )
  await second.stop('SIGKILL')
  const third = await up(t, { data })
  t.deepEqual(await messagesOf(third), ['said one', 'said two', 'said three'])
})
