import { attack } from '../_attack.ts'

/** What stands before the body of a streamed answer never comes to its end. */
export default attack({
  family: 'output',
  code: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('application/vnd.awslambda.http-integration-response')
  for (let part = 0; part < 200; part++) stream.write('{'.repeat(65536))
  stream.end()
})
`,
  http: true,
  streams: true,
  expected: { statuses: [502] }
})
