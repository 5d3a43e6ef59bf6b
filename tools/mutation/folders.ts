/** One folder under mutation: what is changed in it, and the tests that may notice. */
export interface MutatedFolder {
  /** Globs of the files to change; a leading `!` excludes. */
  readonly mutate: readonly string[]
  /** Globs of test files, the fast ones first: a mutant dies at the first failure. */
  readonly tests: readonly string[]
  /** Globs of test files to leave out of `tests`. */
  readonly without?: readonly string[]
}

const GENERATED = ['!**/*-wasm.ts', '!**/*.as.ts', '!**/index.ts', '!**/types.ts']

/** It needs an object store's real server, and is long. */
const DIFFERENTIAL = 'test/vfs/differential.test.ts'

/** By the name that `--folder` takes. Globs end in `**`, so files may move within a folder. */
export const FOLDERS: Readonly<Record<string, MutatedFolder>> = {
  replica: {
    mutate: ['replica/**/*.ts', ...GENERATED],
    tests: ['test/replica/**/*.test.ts', 'test/vfs/database.test.ts', 'test/simulation/**/*.test.ts'],
  },
  vfs: {
    mutate: ['vfs/**/*.ts', ...GENERATED],
    tests: ['test/vfs/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    without: [DIFFERENTIAL],
  },
}
