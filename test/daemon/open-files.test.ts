import { describe, expect, it } from 'vitest'
import { openFilesAdvice } from '../../daemon/open-files.ts'

describe('the limit of open files', () => {
  it.each([
    ['5,000 parked databases need no more than a few hundred', 5000, true, 1024, undefined],
    [
      'but 832 they do need',
      5000,
      true,
      831,
      /may open 831 files, and 5000 databases need 832: raise the limit \(ulimit -n/,
    ],
    ['where others use them too, one each', 5000, false, 4096, /5000 databases need 5832/],
    ['a few databases', 10, false, 400, undefined],
  ])('%s', (_, databases, ours, limit, advice) => {
    if (advice) expect(openFilesAdvice(databases, ours, limit)).toMatch(advice)
    else expect(openFilesAdvice(databases, ours, limit)).toBeUndefined()
  })
})
