import { ReplicaError } from '../core/errors.ts'
import { mergeLayers } from './build-layer.ts'
import { PageLayer } from './page-layer.ts'
import { type OpenedFile, type Part, Snapshot } from './snapshot.ts'
import type { SourceFile } from './source-file.ts'
import { identityAfter } from './state-identity.ts'

/** Two layers become one when the upper has at least this share of the lower's pages. */
const MERGE_SHARE = 1 / 2

/**
 * The state that files give when they are applied in order.
 * @param files the last with its `head`
 */
export function layerFiles(files: readonly OpenedFile[]): Snapshot {
  const { file, head } = files.at(-1)!
  if (head === undefined) throw new RangeError('The newest file of a state needs its header')
  let parts: readonly Part[] = []
  let identity: string | undefined
  for (const opened of files) {
    parts = stack(parts, opened, head.commit)
    identity = identityAfter(identity, opened.file)
  }
  return new Snapshot({ ...head, txid: file.info.maxTXID, identity: identity!, newest: file }, parts)
}

/**
 * The state after one more file. What the file holds is newer than all there is (`planRestore` and the follower only
 * ever go on with a file that reaches further), so its pages win; pages above its commit are gone.
 * @throws ReplicaError REPLICA_PAGE_SIZE
 */
export function layerFile(state: Snapshot, opened: OpenedFile): Snapshot {
  const { file, head } = opened
  if (head === undefined) throw new RangeError('The newest file of a state needs its header')
  if (head.pageSize !== state.pageSize) throw differentPageSize(file, head.pageSize, state.pageSize)
  const identity = identityAfter(state.identity, file)
  return new Snapshot(
    { ...head, txid: file.info.maxTXID, identity, newest: file },
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

/** The error for a file that cannot belong to the same database. */
export function differentPageSize(file: SourceFile, found: number, wanted: number): ReplicaError {
  return new ReplicaError(
    'REPLICA_PAGE_SIZE',
    `Cannot read ${file.key}: its pages have ${found} bytes, those of older files ${wanted}`,
    {
      at: { key: file.key },
      hint: 'Two databases were replicated to one place; replicate each to a place of its own.',
    },
  )
}
