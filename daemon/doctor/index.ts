export { type DiagnoseOptions, diagnose, type Setup } from './diagnose.ts'
export type { Finding } from './finding.ts'
