/** One folder under mutation: what is changed in it, and the tests that may notice. */
export interface MutatedFolder {
  /** Globs of the files to change; a leading `!` excludes. */
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
  /** Those of them that are run last: a mutant dies at the first failure. */
  readonly last: readonly string[]
  /** Globs of test files to leave out of `tests`. */
  readonly without?: readonly string[]
}

const GENERATED = ['!**/*-wasm.ts', '!**/*.as.ts', '!**/index.ts', '!**/types.ts']

/** It needs an object store's real server, and is long. */
const DIFFERENTIAL = 'test/vfs/differential.test.ts'

/** Right, but long: they come last. */
const LONG = [
  'replica/lazy-index',
  'replica/mid-life-bucket',
  'replica/simulation',
  'vfs/soundness',
  'vfs/speculator',
].map((name) => `test/${name}.test.ts`)

/** By the name that `--folder` takes. Globs end in `**`, so files may move within a folder. */
export const FOLDERS: Readonly<Record<string, MutatedFolder>> = {
  replica: {
    mutate: ['replica/**/*.ts', ...GENERATED],
    tests: ['test/replica/**/*.test.ts', 'test/vfs/database.test.ts', 'test/simulation/**/*.test.ts'],
    last: [...LONG, 'test/simulation/**'],
  },
  vfs: {
    mutate: ['vfs/**/*.ts', ...GENERATED],
    tests: ['test/vfs/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    last: [...LONG, 'test/simulation/**'],
    without: [DIFFERENTIAL],
  },
}
