import type { ReplicaClient } from '../../storage/index.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'

/** Open a replica by its settings, as a configuration has them. */
export async function openSettings(
  settings: ReplicaSettings,
  env: Readonly<Record<string, string>> = {},
): Promise<ReplicaClient> {
  switch (settings.type) {
    case 'abs': {
      const { openAbs } = await import('../../storage/abs/open.ts')
      return openAbs(settings, { env })
    }
    case 'gs': {
      const { openGs } = await import('../../storage/gs/open.ts')
      return openGs(settings, { env })
    }
    default:
      throw new Error(`Add how a ${settings.type} replica is opened to test/backends/open-settings.ts`)
  }
}
