import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import makeWabt from 'wabt'

export const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples')

/** A module from its text format. */
export async function wat(source: string): Promise<Uint8Array> {
  const wabt = await makeWabt()
  const module = wabt.parseWat('test.wat', source)
  try {
    return module.toBinary({}).buffer
  } finally {
    module.destroy()
  }
}

/** What of the compiler is used. Its own types would replace those of `console` for the whole project. */
interface Compiler {
  main(
    args: string[],
    host: {
      readFile(name: string): string | null
      writeFile(name: string, content: string | Uint8Array): void
      listFiles(): string[]
    }
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>
}

/** A module from AssemblyScript. */
export async function assemblyScript(file: string): Promise<Uint8Array> {
  const compiler: string = 'assemblyscript/asc'
  const asc = (await import(compiler)) as Compiler
  const source = await readFile(file, 'utf8')
  const name = basename(file)
  let made: Uint8Array | undefined
  const { error, stderr } = await asc.main([name, '--outFile', 'made.wasm', '--optimize', '--runtime', 'minimal'], {
    readFile: (asked) => (asked === name ? source : null),
    writeFile: (_name, content) => {
      made = typeof content === 'string' ? Buffer.from(content) : content
    },
    listFiles: () => []
  })
  if (error !== null || made === undefined) throw new Error(`asc: ${stderr.toString()}`, { cause: error })
  return made
}
