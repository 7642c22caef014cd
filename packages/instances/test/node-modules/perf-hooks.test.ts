import test from 'ava'
import { compare } from './_compare.ts'

test('perf_hooks has marks, measures and their observers as in Node, and counters of a loop that is at rest', async (t) => {
  await compare(t, [
    `(({ performance, PerformanceObserver }) => new Promise((resolve) => {
      const seen = []
      const observer = new PerformanceObserver((list, self) => {
        seen.push(...list.getEntries().map(({ name, entryType }) => [name, entryType]), list.getEntriesByName('a').length, self === observer)
        observer.disconnect()
        performance.mark('after')
        setTimeout(() => resolve(seen), 10)
      })
      observer.observe({ entryTypes: ['mark', 'measure', 'gc'] })
      performance.mark('a')
      performance.measure('b', 'a')
    }))(require('perf_hooks'))`,
    `(({ performance, PerformanceObserver }) => { const one = new PerformanceObserver(() => {}); one.observe({ type: 'mark' }); performance.mark('x'); return [one.takeRecords().map(({ name }) => name), one.takeRecords()] })(require('perf_hooks'))`,
    `(() => { try { new (require('perf_hooks').PerformanceObserver)(() => {}).observe({}) } catch (error) { return [error.name, error.code] } })()`,
    `(() => { try { new PerformanceObserver() } catch (error) { return [error.name, error.code] } })()`,
    `PerformanceObserver === require('perf_hooks').PerformanceObserver`,
    `require('perf_hooks').performance === performance`,
    `require('perf_hooks').constants`,
    `Object.keys(performance.eventLoopUtilization())`,
    `performance.timerify((x) => x + 1)(2)`,
    `(() => { const delay = require('perf_hooks').monitorEventLoopDelay({ resolution: 20 }); return [delay.enable(), delay.disable(), typeof delay.percentile(50), typeof delay.mean] })()`
  ])
})
