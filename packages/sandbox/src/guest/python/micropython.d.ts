/** What of MicroPython's own loader is used; `module` is what `python-runtime` adds to it. */
declare module '@micropython/micropython-webassembly-pyscript/micropython.mjs' {
  export interface FileSystem {
    mkdirTree(path: string): void
    writeFile(path: string, content: Uint8Array): void
    chdir(path: string): void
  }

  export interface MicroPython {
    FS: FileSystem
    globals: { get(name: string): unknown }
    runPython(source: string): unknown
    /** For `import name` in Python. */
    registerJsModule(name: string, module: object): void
  }

  export interface Options {
    /** Bytes that Python's garbage collector begins with; it takes more when it needs them. */
    heapsize: number
    /** Bytes for Python's own stack, not the module's. */
    pystack: number
    /** One byte at a time, without `linebuffer`. */
    stdout(bytes: Uint8Array): void
    stderr(bytes: Uint8Array): void
    linebuffer: false
    module: {
      instantiateWasm(imports: object, done: (instance: object, module: object) => void): void
    }
  }

  export function loadMicroPython(options: Options): Promise<MicroPython>
}
