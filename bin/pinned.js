'use strict'
// The command line, in the pinned Node.
require('./runtime.js')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

import(pathToFileURL(path.join(__dirname, '..', 'cli', 'src', 'main.ts')).href).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
