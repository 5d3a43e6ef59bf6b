import { mergeLayers } from './build-layer.ts'
import { mustGoOn } from './goes-on.ts'
import { PageLayer } from './page-layer.ts'
import { type OpenedFile, type Part, Snapshot } from './snapshot.ts'
import { identityAfter } from './state-identity.ts'

/** Two layers become one when the upper has at least this share of the lower's pages. */
const MERGE_SHARE = 1 / 2

/**
 * The state that files give when they are applied in order.
 * @param files at least one
 * @throws ReplicaError REPLICA_PAGE_SIZE, REPLICA_DAMAGED when they are not of one history
 */
export function layerFiles(files: readonly OpenedFile[]): Snapshot {
  const { file, head } = files.at(-1)!
  let parts: readonly Part[] = []
  let identity: string | undefined
  for (const [i, opened] of files.entries()) {
    const before = files[i - 1]
    if (before) mustGoOn({ ...before.head, txid: before.file.info.maxTXID }, opened)
    parts = stack(parts, opened, head.commit)
    identity = identityAfter(identity, opened.file)
  }
  return new Snapshot({ ...head, txid: file.info.maxTXID, identity: identity!, newest: file }, parts)
}

/**
 * The state after one more file. What the file holds is newer than all there is (`planRestore` and the follower only
 * ever go on with a file that reaches further), so its pages win; pages above its commit are gone.
 * @throws ReplicaError REPLICA_PAGE_SIZE, REPLICA_DAMAGED when it cannot come after that state
 */
export function layerFile(state: Snapshot, opened: OpenedFile): Snapshot {
  const { file, head } = opened
  mustGoOn(state, opened)
  const identity = identityAfter(state.identity, file)
  return new Snapshot(
    { ...head, txid: file.info.maxTXID, identity, newest: file, history: state.history },
    stack(state.parts, opened, head.commit),
  )
}

/** Put a file on top; layers of about one size become one, so that there are never more than a few. */
function stack(parts: readonly Part[], { index }: OpenedFile, commit: number): readonly Part[] {
  const stacked = parts.map((part) => (part.limit <= commit ? part : { ...part, limit: commit }))
  let top = index
  while (stacked[0] !== undefined && top instanceof PageLayer) {
    const { index: below, limit } = stacked[0]
    if (!(below instanceof PageLayer) || top.length < below.length * MERGE_SHARE) break
    if (below.files.length + top.files.length > 0xffff) break
    top = mergeLayers(below, limit, top)
    stacked.shift()
  }
  return [{ index: top, limit: commit }, ...stacked]
}
