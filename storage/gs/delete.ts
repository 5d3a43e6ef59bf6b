import { deleteEach } from '../delete-each.ts'
import { type GsConnection, refusalOf } from './connection.ts'
import { listPages } from './list.ts'

/** Delete objects; absent ones are fine. Every key is tried before a failure is thrown. */
export async function deleteObjects(
  connection: GsConnection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const remove = async (key: string): Promise<void> => {
    try {
      await connection.ask({ verb: 'delete', doing: 'delete', key, method: 'DELETE', signal })
    } catch (error) {
      if (!refusalOf(error)?.isNoObject) throw error
    }
  }
  await deleteEach(connection.settings.bucket, keys, remove, signal)
}

/** Delete everything whose name starts with a prefix. */
export async function deletePrefix(
  connection: GsConnection,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const page of listPages(connection, { prefix, signal })) {
    await deleteObjects(
      connection,
      page.map(({ key }) => key),
      signal,
    )
  }
}
