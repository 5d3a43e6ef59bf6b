import type { ReplicaClient } from '../../storage/index.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'

/** Open a replica by its settings, as a configuration has them. */
export async function openSettings(
  settings: ReplicaSettings,
  env: Readonly<Record<string, string>> = {},
): Promise<ReplicaClient> {
  switch (settings.type) {
    case 'sftp': {
      const { openSftp } = await import('../../storage/sftp/open.ts')
      return openSftp(settings, { env })
    }
    case 'webdav': {
      const { openWebdav } = await import('../../storage/webdav/open.ts')
      return openWebdav(settings, { env })
    }
    case 'nats': {
      const { openNats } = await import('../../storage/nats/open.ts')
      return openNats(settings, { env })
    }
    default:
      throw new Error(`Add how a ${settings.type} replica is opened to test/backends/open-settings.ts`)
  }
}
