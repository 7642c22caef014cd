/**
 * `npm run simulate`: the routing policy of packages/routing in virtual time, against the policies it could have been, and how it stands to its goals.
 * Every figure follows from the seed; only the seconds differ from machine to machine.
 *
 *     npm run simulate [-- --nodes 1000 --seeds 1 --rows goals,baselines,shapes,failures --out bench/out]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Results } from '../test/simulation/_metrics.ts'
import { DEFAULTS, type SimulationOptions } from '../test/simulation/_options.ts'
import { type Plot, svgOf } from '../test/simulation/_plot.ts'
import { POLICY_NAMES } from '../test/simulation/_policies.ts'
import { Simulation } from '../test/simulation/_simulation.ts'

const ROWS = ['goals', 'baselines', 'shapes', 'failures'] as const
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    seeds: { type: 'string', default: '1' },
    rows: { type: 'string', default: ROWS.join(',') },
    out: { type: 'string', default: 'bench/out' }
  }
})
const nodes = whole('nodes', values.nodes, 2, 10_000)
const seeds = whole('seeds', values.seeds, 1, 100)
const rows = values.rows.split(',')
for (const row of rows) if (!ROWS.some((one) => one === row)) fail(`--rows ${row}: must be of ${ROWS.join(', ')}`)

const sized = { nodes, functions: 5 * nodes }
const plots: [file: string, plot: Plot][] = []

console.log(
  `${nodes} nodes of ${DEFAULTS.slots.join(', ')} slots, ${sized.functions} functions, mean service ${DEFAULTS.serviceMs} ms, beacons 250 ms old in the mean, seeds 1 to ${seeds}`
)
if (rows.includes('goals')) goals()
if (rows.includes('baselines')) baselines()
if (rows.includes('shapes')) shapes()
if (rows.includes('failures')) failures()

mkdirSync(values.out, { recursive: true })
for (const [file, plot] of plots) writeFileSync(join(values.out, file), svgOf(plot))
if (plots.length > 0) console.log(`\nplots: ${plots.map(([file]) => join(values.out, file)).join(' ')}`)

function goals(): void {
  head('goals')
  const seen: [name: string, value: number, bound: number][] = []
  for (const [load, bound] of [
    [0.7, 1.15],
    [0.9, 1.3]
  ] as const) {
    const own = run(`peerless, ${percent(load)}`, { load })
    const best = run(`omniscient, ${percent(load)}`, { load, policy: 'omniscient' })
    seen.push([`p99 slowdown / omniscient at ${percent(load)} load`, own.p99 / best.p99, bound])
    seen.push([`most loaded node / mean at ${percent(load)} load`, own.maxOverMean, 1.5])
    seen.push([`messages per call beyond it at ${percent(load)} load`, own.messages, 0.2])
  }
  const trace = { arrivals: 'trace', load: 0.7 } as const
  const own = run('peerless, trace', trace)
  const perfect = run('perfect locality, trace', perfectly(trace))
  seen.push(['cold-start share / perfect locality, trace', own.coldShare / perfect.coldShare, 1.2])
  console.log(`\n${'goal'.padEnd(52)}   seen  bound`)
  for (const [name, value, bound] of seen) {
    console.log(`${value <= bound ? 'reached' : 'MISSED '}  ${name.padEnd(44)} ${value.toFixed(3)}  ${bound}`)
  }
}

function baselines(): void {
  head('baselines')
  const slowdown: Plot['groups'][number][] = []
  const cold: Plot['groups'][number][] = []
  for (const load of [0.5, 0.7, 0.9]) {
    const all = POLICY_NAMES.map((policy) => ({
      name: policy,
      results: run(`${policy}, ${percent(load)}`, { policy, load, ...smaller() })
    }))
    slowdown.push({ name: percent(load), bars: all.map(({ name, results }) => ({ name, value: results.p99 })) })
    cold.push({ name: percent(load), bars: all.map(({ name, results }) => ({ name, value: 100 * results.coldShare })) })
  }
  plots.push([
    'slowdown-p99.svg',
    { title: 'p99 slowdown by load', unit: 'response time / service time', groups: slowdown, logarithmic: true }
  ])
  plots.push(['cold-share.svg', { title: 'Cold starts by load', unit: '% of calls', groups: cold }])
}

function shapes(): void {
  head('shapes')
  const groups: Plot['groups'][number][] = []
  for (const service of ['exponential', 'bimodal', 'heavy'] as const) {
    for (const arrivals of ['poisson', 'bursty', 'trace'] as const) {
      const options = { service, arrivals, ...smaller() }
      const [own, best] = [
        run(`peerless, ${service}, ${arrivals}`, options),
        run('  omniscient', { ...options, policy: 'omniscient' })
      ]
      groups.push({
        name: `${service.slice(0, 5)} ${arrivals}`,
        bars: [
          { name: 'peerless', value: own.p99 },
          { name: 'omniscient', value: best.p99 }
        ]
      })
    }
  }
  run('peerless, 8 and 16 slots', { slots: [8, 16], serviceMs: 100, ...smaller() })
  run('peerless, 8 and 16 slots, 90 %', { slots: [8, 16], serviceMs: 100, load: 0.9, ...smaller() })
  run('peerless, 3 zones', { zones: 3, ...smaller() })
  run('peerless, 3 zones, entry in one', { zones: 3, entries: [0, 3, 6, 9, 12], load: 0.5, ...smaller() })
  plots.push([
    'shapes.svg',
    { title: 'p99 slowdown by shape, 70 % load', unit: 'response time / service time', groups, logarithmic: true }
  ])
}

function failures(): void {
  head('failures')
  const at = DEFAULTS.warmUpMs - 1_000
  const share = Math.max(1, Math.floor(Math.min(nodes, 200) / 20))
  const some = Array.from({ length: share }, (_, index) => index * 7)
  for (const what of ['down', 'fast', 'drain'] as const) {
    const faults = some.map((node) => ({ at, node: node % Math.min(nodes, 200), what }))
    run(`peerless, ${share} nodes ${what}`, { ...smaller(), load: 0.5, faults })
    if (what === 'fast') run(`power-of-two, ${share} nodes ${what}`, { ...smaller(), load: 0.5, faults, policy: 'power-of-two' })
  }
}

/** What compares many policies is as well seen on fewer nodes. */
function smaller(): Partial<SimulationOptions> {
  return { nodes: Math.min(nodes, 200), functions: 5 * Math.min(nodes, 200) }
}

/** One node as large as the mesh: an instance anywhere is an instance here. */
function perfectly(options: Partial<SimulationOptions>): Partial<SimulationOptions> {
  const slots = DEFAULTS.slots.reduce(
    (sum, one, index) => sum + (one * nodes * (DEFAULTS.speeds[index] as number)) / DEFAULTS.slots.length,
    0
  )
  return { ...options, nodes: 1, slots: [Math.floor(slots)], speeds: [1], policy: 'omniscient' }
}

/** The mean over the seeds. */
function run(name: string, options: Partial<SimulationOptions>): Results {
  const all: Results[] = []
  for (let seed = 1; seed <= seeds; seed++) all.push(new Simulation({ ...sized, ...options, seed }).run())
  const mean = { ...(all[0] as Results) }
  for (const key of Object.keys(mean) as (keyof Results)[]) mean[key] = all.reduce((sum, one) => sum + one[key], 0) / all.length
  const cells = [
    mean.p50.toFixed(2).padStart(6),
    mean.p99.toFixed(2).padStart(8),
    (100 * mean.coldShare).toFixed(2).padStart(6),
    mean.maxOverMean.toFixed(2).padStart(8),
    mean.messages.toFixed(3).padStart(8),
    (100 * mean.bounces).toFixed(1).padStart(7),
    (100 * mean.waited).toFixed(2).padStart(7),
    (100 * mean.refused).toFixed(2).padStart(8),
    (100 * mean.errors).toFixed(2).padStart(7),
    (100 * mean.forwarded).toFixed(0).padStart(7),
    (100 * mean.far).toFixed(1).padStart(6),
    mean.sinkhole.toFixed(2).padStart(5),
    `${(mean.events / mean.seconds / 1e6).toFixed(2)}M/s`.padStart(9),
    `${mean.seconds.toFixed(1)} s`.padStart(7)
  ]
  console.log(`${name.padEnd(36)} ${cells.join(' ')}`)
  return mean
}

function head(title: string): void {
  console.log(
    `\n${title.padEnd(36)}    p50      p99 cold % max/mean messages bounce% waited% refused%  error% forward%  far%  sink    events    real`
  )
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max)
    fail(`--${name} ${text}: must be a whole number from ${min} to ${max}`)
  return value
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
