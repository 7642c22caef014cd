/**
 * Requests at moments that were fixed beforehand, whatever the answers do: a server that stands still for a while is charged for everything that
 * would have come meanwhile. The time of a call runs from the moment that it was due, not from when a connection was free for it, and so includes
 * what this generator is late by (a timer of Node is some 0.1 to 1.2 ms late), for every server alike; `lateMs` says how much that was.
 */
import { quantile } from './figures.ts'
import { HttpConnection, requestBytes } from './http-connection.ts'

/** So many calls may be under way; what is due beyond that waits, on the clock. */
const CONNECTIONS = 64

export interface OpenLoad {
  calls: number
  errors: number
  p50Ms: number
  p99Ms: number
  /** 99th percentile of how late requests that a connection was free for were sent. */
  lateMs: number
}

/** @param random 0 to 1: due moments are random (Poisson), as independent clients come */
export async function openLoop(
  url: string,
  perSecond: number,
  seconds: number,
  random: () => number = Math.random
): Promise<OpenLoad> {
  const request = requestBytes(url)
  const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(url)))
  const all = free.slice()
  const due: number[] = []
  for (let at = 0; at < seconds * 1_000; at += (-Math.log(1 - random()) * 1_000) / perSecond) due.push(at)
  const timesMs: number[] = []
  const lateMs: number[] = []
  let errors = 0
  await new Promise<void>((resolve) => {
    const start = performance.now() + 20
    let next = 0
    let open = due.length
    const send = () => {
      const now = performance.now() - start
      while (next < due.length && (due[next] as number) <= now && free.length > 0)
        call(free.pop() as HttpConnection, due[next++] as number)
    }
    const call = (connection: HttpConnection, dueAt: number) => {
      lateMs.push(performance.now() - start - dueAt)
      const ended = (failed: boolean) => {
        timesMs.push(performance.now() - start - dueAt)
        if (failed) errors++
        free.push(connection)
        send()
        if (--open > 0) return
        clearInterval(timer)
        resolve()
      }
      connection.ask(request).then(
        ({ status }) => ended(status !== 200),
        () => ended(true)
      )
    }
    const timer = setInterval(send, 1)
  })
  for (const connection of all) connection.close()
  return {
    calls: timesMs.length,
    errors,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    lateMs: quantile(lateMs, 0.99)
  }
}
