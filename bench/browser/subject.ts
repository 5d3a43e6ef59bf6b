/** litetap reads the living bucket, the others one frozen file. */
export const SUBJECTS = ['litetap', 'sql.js-httpvfs', 'sqlite-wasm-http-shared', 'sqlite-wasm-http-sync'] as const
export type SubjectName = (typeof SUBJECTS)[number]

/** Everyone else: the better of them is what litetap is held against. */
export const PEERS = SUBJECTS.filter((subject) => subject !== 'litetap')

/** Where each subject's page is, below the static host's root. */
export const PAGES: Readonly<Record<SubjectName, string>> = {
  litetap: '/pages/litetap/',
  'sql.js-httpvfs': '/pages/sql-js-httpvfs/',
  'sqlite-wasm-http-shared': '/pages/sqlite-wasm-http/?shared',
  'sqlite-wasm-http-sync': '/pages/sqlite-wasm-http/?sync',
}
