// A Node server that writes to its primary and reads from the replica, and whose users see what they wrote: the answer
// to a write carries a bookmark, and a read waits until the replica has come so far.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { type Database, formatTXID, open, openReplica, Replicator } from 'litetap'

const COOKIE = 'bookmark'

export interface NotesServer {
  readonly server: Server
  close(): Promise<void>
}

/** @param primary a database in WAL mode with the table `notes (id, text)`; it is opened here */
export async function notesServer(primary: string, replicaURL: string): Promise<NotesServer> {
  const writer = new DatabaseSync(primary)
  const replicator = new Replicator({ dbPath: primary, client: await openReplica(replicaURL) })
  await replicator.start()
  await replicator.flush()
  const reader = await open(replicaURL)
  const server = createServer((request, reply) => {
    answer(request, reply).catch((error) => reply.writeHead(500).end(String(error)))
  })

  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      writer.prepare('INSERT INTO notes (text) VALUES (?)').run(await textOf(request))
      // The TXID of the file that holds the write, once it is durable.
      setBookmark(reply, formatTXID(await replicator.flush()))
      reply.writeHead(201).end()
    } else {
      await seeOwnWrites(reader, request)
      reply.setHeader('content-type', 'application/json')
      reply.end(JSON.stringify(await reader.all('SELECT * FROM notes ORDER BY id')))
    }
  }

  return {
    server,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await reader.close()
      await replicator.close()
      writer.close()
    },
  }
}

/** Wait for the user's last write, wherever it was made: a browser sends the cookie, others send the header. */
async function seeOwnWrites(reader: Database, request: IncomingMessage): Promise<void> {
  const cookie = new RegExp(`(?:^|; )${COOKIE}=([0-9a-f]{16})`).exec(request.headers.cookie ?? '')?.[1]
  const bookmark = (request.headers['x-bookmark'] as string | undefined) ?? cookie
  if (bookmark) await reader.waitFor(bookmark, { timeoutMs: 5000 })
}

function setBookmark(reply: ServerResponse, bookmark: string): void {
  reply.setHeader('set-cookie', `${COOKIE}=${bookmark}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60`)
  reply.setHeader('x-bookmark', bookmark)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
