import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Config } from '../../daemon/config/config.ts'
import { loadConfig } from '../../daemon/config/load-config.ts'
import { tempDir } from '../support/temp-dir.ts'
import { deployText } from './support.ts'

/** What the example files may take from the environment. */
const ENV = { BUCKET_NAME: 'a-bucket', AWS_ENDPOINT_URL_S3: 'https://fly.storage.tigris.dev' }

/** A configuration of examples/deploy, which must be one that there is nothing to say of. */
export function loadDeployConfig(path: string): Config {
  return loadWithoutWarning(deployText(path))
}

export function loadWithoutWarning(text: string): Config {
  const file = join(tempDir(), 'litestream.yml')
  writeFileSync(file, text)
  const { config, warnings } = loadConfig(file, { env: ENV })
  expect(warnings).toEqual([])
  return config
}

/** When the last upload is given up, of whichever database waits longest; ms. */
export function longestShutdownMs({ databases }: Config): number {
  return Math.max(...databases.map(({ settings }) => settings.shutdownSyncTimeoutMs))
}

export function databasePaths({ databases }: Config): string[] {
  return databases.map((entry) => (entry.kind === 'database' ? entry.path : entry.dir))
}
