import test from 'ava'
import { connectionsWithin, httpConnectionsMax } from '../src/http-connections.ts'

const limits = (files: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax processes             7                    7                    processes\nMax open files            ${files.padEnd(20)} 9                    files\n`

test('connections of clients take half of the files that a process may open, and never more than the bound of the gateway', (t) => {
  t.is(connectionsWithin(limits('4096')), 2_048)
  t.is(connectionsWithin(limits('1048576')), 10_000)
  t.is(connectionsWithin(limits('unlimited')), 10_000)
  t.is(connectionsWithin(''), 10_000)
})

test('what the system says of this process is read', async (t) => {
  const connections = await httpConnectionsMax()
  t.true(connections > 0 && connections <= 10_000, `${connections}`)
})
