import { constants, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { listLevels } from '../../replica/index.ts'
import { PageMapMaker } from '../../replica/published/index.ts'
import { CATALOG_NAME, encodeCatalog, PAGE_MAP_NAME } from '../../storage/index.ts'
import { openReplica } from '../../storage/node.ts'
import type { BuiltBucket } from '../reader/bucket.ts'
import { buildPages } from './build-pages.ts'

/** The static host's folder: the subjects' pages, the bucket with its catalog, and the same state as one file. */
export class Site {
  readonly root = mkdtempSync(join(tmpdir(), 'litetap-bench-browser-'))

  static async build(bucket: BuiltBucket): Promise<Site> {
    const site = new Site()
    try {
      await buildPages(join(site.root, 'pages'))
      site.#freeze(bucket)
      await site.#publish(bucket)
    } catch (error) {
      site.remove()
      throw error
    }
    return site
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  /** The peers know nothing of WAL. */
  #freeze({ databasePath }: BuiltBucket): void {
    const path = join(this.root, 'frozen.sqlite')
    copyFileSync(databasePath, path, constants.COPYFILE_FICLONE)
    const db = new DatabaseSync(path)
    db.exec('PRAGMA journal_mode = delete')
    db.close()
  }

  async #publish({ replicaPath }: BuiltBucket): Promise<void> {
    const client = await openReplica(pathToFileURL(replicaPath).href)
    const files = (await listLevels(client)).flat()
    const { txid, body } = (await new PageMapMaker(client).make(files))!
    await client.close()
    mkdirSync(join(this.root, 'app', dirname(CATALOG_NAME)), { recursive: true })
    writeFileSync(join(this.root, 'app', PAGE_MAP_NAME), body)
    const pageMap = { txid, size: body.length }
    writeFileSync(join(this.root, 'app', CATALOG_NAME), encodeCatalog({ layout: 'ltx', pageMap, files }))
    symlinkSync(join(replicaPath, 'ltx'), join(this.root, 'app/ltx'))
  }
}
