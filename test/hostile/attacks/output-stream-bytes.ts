import { attack, CUT } from '../_attack.ts'

/** Three hundred thousand chunks of one byte: each would be a frame. */
export default attack({
  family: 'output',
  code: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let byte = 0; byte < 300000; byte++) stream.write('x')
  stream.end()
})
`,
  http: true,
  streams: true,
  expected: { statuses: [200, CUT] }
})
