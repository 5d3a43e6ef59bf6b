// Compile the project's AssemblyScript: ltx/'s codec and vfs/'s trampoline. Does nothing where nothing has changed;
// `--force` builds anyway.
import { buildWasm } from './build-wasm.ts'

const force = process.argv.includes('--force')

await buildWasm(
  {
    name: 'codec',
    source: 'ltx/codec/codec.as.ts',
    target: 'ltx/codec/codec-wasm.ts',
    constant: 'codecWasm',
    // Nine 64 KiB pages hold every region of codec.as.ts; they never grow, so views stay valid. Room for more is for
    // instances that decompress LZ4 blocks of up to 4 MiB (ltx/codec/large-block-codec.ts).
    flags: ['--enable', 'simd', '--initialMemory', '9', '--maximumMemory', '160'],
  },
  force,
)

await buildWasm(
  {
    name: 'trampoline',
    source: 'vfs/trampoline/trampoline.as.ts',
    target: 'vfs/trampoline/trampoline-wasm.ts',
    constant: 'trampolineWasm',
    // It works in SQLite's own memory and has nothing of its own in it.
    flags: ['--importMemory', '--noExportMemory'],
  },
  force,
)
