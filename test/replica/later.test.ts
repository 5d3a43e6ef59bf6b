import { expect, test } from 'vitest'
import { Later } from '../../replica/later.ts'

test('what was loaded is at hand from then on, and is loaded once', async () => {
  let loads = 0
  const later = new Later(async () => ++loads)
  expect(later.now).toBeUndefined()
  expect([await later.get(), await later.get(), later.now]).toEqual([1, 1, 1])
  later.expect()
  expect(loads).toBe(1)
})

test('what could not be loaded is asked for again; to expect it is no failure', async () => {
  let loads = 0
  const later = new Later(async () => {
    if (++loads < 3) throw new Error(`load ${loads}`)
    return 'there'
  })
  later.expect()
  await expect(later.get()).rejects.toThrow('load 2')
  expect(later.now).toBeUndefined()
  expect(await later.get()).toBe('there')
})
