import { Session } from 'node:inspector/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { RequestError } from './request-error.ts'

const SECONDS_DEFAULT = 30
const SECONDS_MAX = 300

/**
 * Where this process spends its time, in the format that Chrome's developer tools open (`.cpuprofile`).
 *
 * @param query `seconds`, from 1 to 300; default 30
 * @param signal ends it early
 */
export async function cpuProfile(query: URLSearchParams, signal: AbortSignal): Promise<unknown> {
  const seconds = Number(query.get('seconds') ?? SECONDS_DEFAULT)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX) {
    throw new RequestError(400, `seconds must be a whole number from 1 to ${SECONDS_MAX}`)
  }
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await delay(seconds * 1000, undefined, { signal }).catch(() => {})
    return (await session.post('Profiler.stop')).profile
  } finally {
    session.disconnect()
  }
}

/** What stands in place of Go's other profiles. A heap snapshot would hold credentials. */
export const OTHER_PROFILES =
  'there are no Go profiles here; GET /debug/pprof/profile?seconds=N gives a .cpuprofile for the developer tools of Chrome'
