import { type Finding, failure, ok } from './finding.ts'

/** The oldest Node with all that is used; as package.json's `engines` has it. */
const NEEDED = [22, 13] as const

/** @param version as `process.versions.node` */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return ok('node', `Node ${version}`)
  return failure('node', `Node ${version} is too old`, `Install Node ${NEEDED.join('.')} or newer.`)
}
