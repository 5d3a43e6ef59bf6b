// Compile one AssemblyScript file to wasm and write it as base64 to a TypeScript file (not in git).
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const compilerPackage = JSON.parse(readFileSync(require.resolve('assemblyscript/package.json'), 'utf8'))

/** What every module is compiled with: no allocator, no messages, no code that a fixed layout does not need. */
const COMMON_FLAGS = ['-O3', '--converge', '--noAssert', ...['--runtime', 'stub'], ...['--use', 'abort=']]

export interface WasmBuild {
  /** For messages. */
  readonly name: string
  /** Paths from the root of the repository. */
  readonly source: string
  readonly target: string
  /** The constant that the target exports. */
  readonly constant: string
  /** Beside those that every module is compiled with. */
  readonly flags: readonly string[]
}

/**
 * Build a module, unless its target was made from the same source by the same compiler.
 *
 * @param force build anyway
 * @throws Error with the compiler's messages
 */
export async function buildWasm(build: WasmBuild, force: boolean): Promise<void> {
  const source = readFileSync(join(root, build.source), 'utf8')
  const flags = [...COMMON_FLAGS, ...build.flags]
  const target = join(root, build.target)
  const stamp = createHash('sha256')
    .update(source)
    .update(JSON.stringify([compilerPackage.version, flags]))
    .digest('hex')
  if (!force && existsSync(target) && readFileSync(target, 'utf8').includes(stamp)) return
  const wasm = await compile(build.name, source, flags)
  const text = [
    '// Built by tools/build-codec.ts; do not edit.',
    `// ${stamp}`,
    `export const ${build.constant} =\n  '${Buffer.from(wasm).toString('base64')}'`,
    '',
  ].join('\n')
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}`)
  writeFileSync(temporary, text)
  renameSync(temporary, target)
  console.log(`${build.name}: ${wasm.length} bytes of wasm`)
}

async function compile(name: string, source: string, flags: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const asc = (await import('assemblyscript/asc')).default
  const input = `${name}.as.ts`
  const output = `${name}.wasm`
  let binary: Uint8Array<ArrayBuffer> | undefined
  const { error, stderr } = await asc.main([input, '--outFile', output, ...flags], {
    readFile: (path: string) => (path === input ? source : null),
    writeFile: (path: string, contents: string | Uint8Array) => {
      if (path === output && typeof contents !== 'string') binary = new Uint8Array(contents)
    },
    listFiles: () => [],
  })
  if (error || !binary) throw new Error(`Cannot build ${name}: ${stderr.toString()}`, { cause: error })
  if (!WebAssembly.validate(binary)) throw new Error(`Cannot build ${name}: the compiled module is not valid`)
  return binary
}
