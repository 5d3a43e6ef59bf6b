import type { Scalar } from './scalar.ts'

/**
 * What a file's header says of its place in its history: the upper 32 bits name the last commit in it, the lower 32 bits the
 * one that it goes on from. Each is a random number, or 0 where it is not known; a file of Litestream has 0 for both. It
 * stands in bytes 72 to 79, which Litestream calls the node ID, writes as 0 and never reads (docs/background, facts 1.2).
 */
export type ChainLink = Scalar<bigint, 'chain link'>

/** Names one commit among all that ever have its TXID: 32 random bits, not 0. 0 is an unknown one. */
export type CommitName = Scalar<number, 'commit name'>

export const UNKNOWN_COMMIT: CommitName = 0

const HALF = 32n

/** A name for a commit that has none yet. */
export function newCommitName(): CommitName {
  const bits = new Uint32Array(1)
  while (bits[0] === UNKNOWN_COMMIT) globalThis.crypto.getRandomValues(bits)
  return bits[0]!
}

export function chainLink(name: CommitName, predecessor: CommitName): ChainLink {
  return (BigInt(name) << HALF) | BigInt(predecessor)
}

/** The last commit in a file. */
export function commitOf(link: ChainLink): CommitName {
  return Number(link >> HALF)
}

/** The commit that a file goes on from. */
export function predecessorOf(link: ChainLink): CommitName {
  return Number(BigInt.asUintN(32, link))
}

/**
 * Whether a file can come right after another one.
 * @returns undefined where one of them does not say: then other things have to tell
 */
export function goesOnFrom(before: ChainLink, after: ChainLink): boolean | undefined {
  const [last, predecessor] = [commitOf(before), predecessorOf(after)]
  if (last === UNKNOWN_COMMIT || predecessor === UNKNOWN_COMMIT) return undefined
  return last === predecessor
}
