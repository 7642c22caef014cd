/** One run of wrk: a load generator in C, so that it costs little of the cores that are measured. Only ever pointed at loopback. */
import { spawn, spawnSync } from 'node:child_process'

export interface Load {
  requests: number
  requestsPerSecond: number
  p50Us: number
  p99Us: number
  errors: number
}

/** Makes sure that wrk is there: Debian has it. @throws when it is not and can't be installed */
export function needWrk(): void {
  if (spawnSync('wrk', ['-v']).error === undefined) return
  spawnSync('apt-get', ['update'], { stdio: 'ignore' })
  const { status } = spawnSync('apt-get', ['install', '-y', 'wrk'], { stdio: 'ignore' })
  if (status !== 0) throw new Error('the bench needs wrk: install it (apt-get install wrk) and run again')
}

export async function wrk(url: string, connections: number, seconds: number): Promise<Load> {
  if (!url.startsWith('http://127.0.0.1:')) throw new Error(`the bench loads loopback only, not ${url}`)
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)
  return {
    requests: number(/(\d+) requests in /),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Us: micros(/50%\s+([\d.]+)(us|ms|s)/.exec(text)),
    p99Us: micros(/99%\s+([\d.]+)(us|ms|s)/.exec(text)),
    errors: number(/Non-2xx or 3xx responses: (\d+)/) + (/Socket errors/.test(text) ? 1 : 0)
  }
}

function micros(match: RegExpExecArray | null): number {
  const unit = { us: 1, ms: 1_000, s: 1_000_000 }[match?.[2] ?? 'us'] ?? 1
  return Number(match?.[1] ?? 0) * unit
}
