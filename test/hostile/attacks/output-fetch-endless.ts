import { attack } from '../_attack.ts'

/** A response whose body has no end. */
export default attack({
  family: 'output',
  code: `export default {
  fetch: () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65536)) }))
}
`,
  handler: 'index.default',
  http: true,
  expected: { statuses: [502] }
})
