'use strict'
// A further front of a node, started by its first one: see node/src/fronts.ts.
require('./runtime.js')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

import(pathToFileURL(path.join(__dirname, '..', 'node', 'src', 'front.ts')).href).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
