// Tests that need a program which npm does not bring (the AWS command line). `.ci/run` installs it.
import { common } from './ava.config.js'

export default { ...common, files: ['test/clients/**/*.test.ts'] }
