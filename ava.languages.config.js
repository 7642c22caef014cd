// Tests that need compilers which npm does not bring (clang with wasi-libc, Rust, Go). `.ci/run` installs them.
import { common } from './ava.config.js'

export default { ...common, files: ['test/languages/{c,rust,go}/*.test.ts'] }
