import { type IncomingRequest, LIMITS } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { newCall, replyTo, takeAnswer } from '../src/hosted-call.ts'
import { KIND_HTTP, STATUS_ERROR, STATUS_OK } from '../src/outcome-numbers.ts'

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

test('whatever is told as an answer leaves as a header of counts, a head that can be sent, and a payload within its limit', (t) => {
  const status = fc.oneof(fc.anything(), fc.nat(6))
  const body = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.uint8Array())
  const statusCode = fc.oneof(fc.anything(), fc.integer({ min: 100, max: 700 }), fc.constantFrom(Number.NaN, 200.5))
  const headers = fc.oneof(
    fc.anything(),
    fc.array(fc.string({ unit: 'binary' })).map((parts) => parts.join('\0'))
  )
  fc.assert(
    fc.property(
      fc.boolean(),
      status,
      body,
      statusCode,
      headers,
      fc.double({ noNaN: true, min: 0, max: 1e12 }),
      (http, ...told) => {
        const [alleged, content, code, head, cpuUs] = told
        const sent: [header: unknown[], payload: Uint8Array][] = []
        const request = {
          reply: (header: unknown[], payload: Uint8Array) => sent.push([header, payload])
        } as unknown as IncomingRequest
        const call = newCall(request, [1, http ? KIND_HTTP : 0, 1_000, 'id', 0], undefined, 5, 0)
        takeAnswer(call, alleged, content, code, head, (json) => json)
        replyTo(call, call.status, call.body, 12.5, { cpuUs, memoryMb: 3 }, 0)
        const [[header = [], payload = new Uint8Array(0)] = []] = sent
        const [, , , , , its, lines] = header
        const whole = header.slice(0, 5).every(isCount) && payload.length <= LIMITS.payloadBytesMax
        if (header.length === 5) return whole
        const list = lines as string[]
        return (
          whole &&
          Number.isInteger(its) &&
          (its as number) >= 200 &&
          (its as number) <= 599 &&
          list.every((text) => !/[\r\n\0]/.test(text))
        )
      }
    ),
    { seed: 20_261_129, numRuns: 1_000 }
  )
  t.pass()
})

test('a body above the limit is an error of the function', (t) => {
  const sent: [header: unknown[], payload: Uint8Array][] = []
  const request = {
    reply: (header: unknown[], payload: Uint8Array) => sent.push([header, payload])
  } as unknown as IncomingRequest
  const call = newCall(request, [1, 0, 1_000, 'id', 0], undefined, 0, 0)
  // One character below the limit, and three bytes above it.
  takeAnswer(call, STATUS_OK, `${'x'.repeat(LIMITS.payloadBytesMax - 1)}€`, undefined, undefined, (json) => json)
  replyTo(call, call.status, call.body, 1, { cpuUs: 0, memoryMb: 0 }, 0)
  t.is(sent[0]?.[0][0], STATUS_ERROR)
  t.regex(Buffer.from(sent[0]?.[1] ?? []).toString(), /Function\.ResponseSizeTooLarge/)
})
