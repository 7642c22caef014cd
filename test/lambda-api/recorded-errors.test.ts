import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { up } from '../_daemon.ts'
import { type Answer, apiOf } from './_api.ts'
import { CALLS } from './_calls.ts'
import { bucketServer } from './_s3.ts'

interface Recorded {
  status: number
  code: string
  key: string
  type: string
  reason: string
  message: string
}

const RECORDED: Recorded[] = readFileSync(join(import.meta.dirname, 'recorded-errors.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [status, code = '', key = '', type = '', reason = '', message = ''] = line.split('\t')
    return { status: Number(status), code, key, type, reason, message }
  })

/** Rows that a mesh cannot show, each with its reason. */
const APART: readonly [message: RegExp, reason: string][] = [
  [/An update is in progress/, 'updates of one function take turns here: the second is carried out too'],
  [/provide ImageUri when updating a function with packageType Image/, 'there are no functions of images'],
  [/^Request must be smaller than 70167211/, 'tested with its 70 MB in packages/gateway'],
  [/^Zipped size must be smaller/, 'tested with its 50 MB in packages/gateway'],
  [/^Unzipped size must be smaller/, 'tested in test/walkthrough']
]

function isEqual(recorded: Recorded, answer: Answer): boolean {
  const { status, headers, json } = answer
  if (recorded.status !== status || recorded.code !== headers.get('x-amzn-errortype')) return false
  if (recorded.code === 'AccessDeniedException') return true
  // The recordings have no body of those that are no shapes of the model.
  const key = recorded.key === '-' ? 'message' : recorded.key
  if (typeof json?.[key] !== 'string') return false
  if ((json.Type ?? '-') !== recorded.type || (json.Reason ?? '-') !== recorded.reason) return false
  return patternOf(recorded.message).test(json[key])
}

/** Names and ids of the recording stand for any. */
function patternOf(message: string): RegExp {
  const parts = message.replaceAll('111111111111', '000000000000').split(/<[a-z_:.\-0-9]+>/i)
  return new RegExp(`^${parts.map((part) => RegExp.escape(part.replaceAll('\\n', '\n'))).join('.+?')}$`, 's')
}

test('every error that AWS was recorded to give is given alike', async (t) => {
  const s3 = await bucketServer(t, new Map([['/bucket/there.zip', Buffer.from('x')]]))
  const daemon = await up(t, { args: ['--s3-endpoint', s3.url] })
  const api = await apiOf(daemon)
  const answers: Answer[] = []
  for (const [operation, input] of CALLS) {
    const answer = await api.call(operation, input)
    t.true(answer.status < 500, `${operation} ${answer.status} ${answer.text}`)
    if (answer.status >= 400) answers.push(answer)
  }
  const applicable = RECORDED.filter(({ message }) => !APART.some(([apart]) => apart.test(message)))
  const missing = applicable.filter((recorded) => !answers.some((answer) => isEqual(recorded, answer)))
  t.log(
    `${applicable.length - missing.length} of ${applicable.length} recorded errors equal; ${RECORDED.length - applicable.length} left apart`
  )
  t.deepEqual(
    missing.map(({ status, code, message }) => `${status} ${code} ${message}`),
    []
  )
})
