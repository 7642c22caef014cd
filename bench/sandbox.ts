/**
 * `npm run bench:sandbox`: what it costs to start a function and to keep it; see start-costs.ts.
 *
 *     npm run bench:sandbox [-- --calls 40 --cycles 10000 --alive 1000 --breakdown --parts first,warm,memory,cycles]
 */
import { parseArgs } from 'node:util'
import { stopAll } from './servers.ts'
import { benchStart, PARTS } from './start-costs.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '40' },
    cycles: { type: 'string', default: '10000' },
    alive: { type: 'string', default: '1000' },
    breakdown: { type: 'boolean', default: false },
    parts: { type: 'string', default: PARTS.join(',') }
  }
})

try {
  await benchStart({
    calls: Number(values.calls),
    cycles: Number(values.cycles),
    alive: Number(values.alive),
    breakdown: values.breakdown,
    parts: values.parts.split(',')
  })
} finally {
  await stopAll()
}
