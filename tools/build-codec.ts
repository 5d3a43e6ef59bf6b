// Compile ltx/codec/codec.as.ts to wasm and write it as base64 to ltx/codec/codec-wasm.ts (not in git).
// Does nothing when that file was made from the same source by the same compiler. `--force` builds anyway.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const source = join(root, 'ltx/codec/codec.as.ts')
const target = join(root, 'ltx/codec/codec-wasm.ts')
const require = createRequire(import.meta.url)
const compilerPackage = JSON.parse(readFileSync(require.resolve('assemblyscript/package.json'), 'utf8'))

// Nine 64 KiB pages hold every region of codec.as.ts; the memory is fixed, so views of it stay valid.
const flags = [
  '-O3',
  '--converge',
  '--noAssert',
  ...['--runtime', 'stub'],
  ...['--use', 'abort='],
  ...['--enable', 'simd'],
  ...['--initialMemory', '9', '--maximumMemory', '9'],
]

const stamp = createHash('sha256')
  .update(readFileSync(source))
  .update(JSON.stringify([compilerPackage.version, flags]))
  .digest('hex')

if (process.argv.includes('--force') || !existsSync(target) || !readFileSync(target, 'utf8').includes(stamp)) {
  await build()
}

async function build(): Promise<void> {
  const asc = await import('assemblyscript/asc')
  const wasm = await compile(asc.default)
  if (!WebAssembly.validate(wasm)) throw new Error(`Cannot build codec: the compiled module is not valid`)
  const text = [
    '// Built by tools/build-codec.ts; do not edit.',
    `// ${stamp}`,
    `export const codecWasm =\n  '${Buffer.from(wasm).toString('base64')}'`,
    '',
  ].join('\n')
  const temporary = join(dirname(target), `.codec-wasm.${process.pid}`)
  writeFileSync(temporary, text)
  renameSync(temporary, target)
  console.log(`codec: ${wasm.length} bytes of wasm`)
}

async function compile(asc: typeof import('assemblyscript/asc').default): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined
  const { error, stderr } = await asc.main(['codec.as.ts', '--outFile', 'codec.wasm', ...flags], {
    readFile: (name: string) => (name === 'codec.as.ts' ? readFileSync(source, 'utf8') : null),
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name === 'codec.wasm' && typeof contents !== 'string') binary = new Uint8Array(contents)
    },
    listFiles: () => [],
  })
  if (error || !binary) throw new Error(`Cannot build codec: ${stderr.toString()}`, { cause: error })
  return binary
}
