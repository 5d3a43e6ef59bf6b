import type { ServerResponse } from 'node:http'
import { afterEach } from 'vitest'
import { S3Replica, type S3ReplicaOptions } from '../../storage/s3/index.ts'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'

type Answer = (request: ScriptedRequest, response: ServerResponse) => void

/** For one test file: S3 servers that answer as told, one a test, with a client each. */
export class ScriptedS3 {
  #server: ScriptedServer | undefined

  constructor() {
    afterEach(async () => {
      await this.#server?.close()
      this.#server = undefined
    })
  }

  /** The server of the running test. */
  get server(): ScriptedServer {
    return this.#server!
  }

  get requests(): ScriptedServer['requests'] {
    return this.server.requests
  }

  async serve(answer: Answer, options: Partial<S3ReplicaOptions> = {}): Promise<S3Replica> {
    this.#server = await startScriptedHttp(answer)
    const { endpoint } = this.#server
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
    return new S3Replica({ bucket: 'b', path: 'app', endpoint, credentials, maxAttempts: 3, ...options })
  }
}
