import test from 'ava'
import { machineNamed } from '../src/machine-named.ts'

const founder = { peerId: 'founder', name: 'ada', issuer: 'mesh', machine: 'founder' }
const first = { peerId: 'first', name: 'bob', issuer: 'founder', machine: 'first' }
const front = { peerId: 'front', name: 'bob', issuer: 'first', machine: 'first' }
const NODES = [founder, front, first]

test('a machine is named by the name of its fronts, or the id of its first', (t) => {
  t.is(machineNamed('bob', NODES), 'first')
  t.is(machineNamed('first', NODES), 'first')
  t.is(machineNamed('nobody', NODES), undefined)
})

test('a node that says it is on another’s machine is meant itself', (t) => {
  for (const machine of ['founder', 'first', 'nowhere']) {
    const hostile = { peerId: 'hostile', name: 'eve', issuer: 'first', machine }
    for (const node of ['hostile', 'eve']) t.is(machineNamed(node, [...NODES, hostile]), 'hostile')
  }
})

test('of several with one name each has to be named by its id', (t) => {
  const hostile = { peerId: 'hostile', name: 'bob', issuer: 'founder', machine: 'first' }
  t.throws(() => machineNamed('bob', [...NODES, hostile]), { code: 'CONFLICT', message: /first, hostile$/ })
  t.is(machineNamed('hostile', [...NODES, hostile]), 'hostile')
})
