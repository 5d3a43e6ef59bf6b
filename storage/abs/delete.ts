import { deleteEach } from '../delete-each.ts'
import { isNoBlob } from './abs-error.ts'
import type { AbsConnection } from './connection.ts'
import { listPages } from './list.ts'

/** Delete blobs; absent ones are fine. Every key is tried before a failure is thrown. */
export async function deleteBlobs(
  connection: AbsConnection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const remove = async (key: string): Promise<void> => {
    try {
      await connection.run({
        verb: 'delete',
        doing: 'delete',
        key,
        signal,
        send: (container, abortSignal) =>
          container.getBlobClient(key).delete({ deleteSnapshots: 'include', abortSignal }),
      })
    } catch (error) {
      if (!isNoBlob(error)) throw error
    }
  }
  await deleteEach(connection.settings.bucket, keys, remove, signal)
}

/** Delete everything whose name starts with a prefix. */
export async function deletePrefix(
  connection: AbsConnection,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const page of listPages(connection, prefix, signal)) {
    await deleteBlobs(
      connection,
      page.map(({ key }) => key),
      signal,
    )
  }
}
