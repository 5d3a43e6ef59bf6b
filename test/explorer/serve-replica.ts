import { createGateway, pageFiles, Tokens } from '../../gateway/index.ts'
import { FileReplica } from '../../storage/file/index.ts'

export interface ServedReplica {
  /** Of the page. */
  readonly page: string
  /** Of the replica. */
  readonly replica: string
  close(): Promise<void>
}

/**
 * Serve a replica in a folder, and the explorer beside it.
 * @param page the folder that the explorer was built into
 * @param token what readers must have
 */
export async function serveReplica(dir: string, page: string, token?: string): Promise<ServedReplica> {
  const gateway = createGateway({
    databases: new Map([['shop', new FileReplica({ path: dir })]]),
    staticFiles: await pageFiles(page),
    checkIntervalMs: 100,
    ...(token && { tokens: new Tokens(`${token}: shop\n`, ['shop']) }),
  })
  const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return { page: `${url}/`, replica: `${url}/shop`, close: () => gateway.close(0) }
}
