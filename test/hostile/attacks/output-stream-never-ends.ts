import { attack, CUT } from '../_attack.ts'

/** A byte now and then, and no end. */
export default attack({
  family: 'output',
  code: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  setInterval(() => stream.write('x'), 50)
  await new Promise(() => undefined)
})
`,
  http: true,
  streams: true,
  expected: { statuses: [CUT] }
})
