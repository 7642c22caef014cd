import { attack, CUT } from '../_attack.ts'

/** Writes into its answer without waiting for anybody. */
export default attack({
  family: 'output',
  code: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (;;) {
    for (let chunk = 0; chunk < 100; chunk++) stream.write('x'.repeat(65536))
    await new Promise((resolve) => setTimeout(resolve))
  }
})
`,
  http: true,
  streams: true,
  expected: { statuses: [CUT, 502] }
})
