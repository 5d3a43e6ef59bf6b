import { describe, expect, test } from 'vitest'
import { WebdavReplica } from '../../storage/webdav/index.ts'
import { resolveSettings } from '../../storage/webdav/settings.ts'
import { webdavError } from '../../storage/webdav/webdav-error.ts'

describe('webdav settings (facts 2.9)', () => {
  test('the endpoint may have a base path and a login', () => {
    expect(resolveSettings({ endpoint: 'https://h:8443/dav/', path: 'app' })).toMatchObject({
      endpoint: 'https://h:8443/dav',
      path: '/app',
      user: undefined,
      password: undefined,
    })
    expect(resolveSettings({ endpoint: 'http://u:p%40ss@h', path: '/app' })).toMatchObject({
      endpoint: 'http://h',
      user: 'u',
      password: 'p@ss',
    })
  })

  test.each(['', 'h', 'ftp://h', 'http://h/?a=b'])('endpoint %j is refused', (endpoint) => {
    expect(() => resolveSettings({ endpoint, path: '/' })).toThrow(
      expect.objectContaining({ code: 'STORAGE_BAD_OPTION' }),
    )
  })

  test('its URL shows no login', async () => {
    const client = new WebdavReplica({ endpoint: 'https://u:hunter2@h', path: '/app' })
    expect(client.url).toBe('webdavs://h/app')
    await client.close()
  })

  test('the root is not emptied', async () => {
    const client = new WebdavReplica({ endpoint: 'http://127.0.0.1:1', path: '/' })
    await expect(client.deleteAll()).rejects.toMatchObject({ code: 'STORAGE_BAD_OPTION' })
    await client.close()
  })
})

test.each([
  [{ status: 401 }, 'STORAGE_BAD_CREDENTIALS', false],
  [{ status: 403 }, 'STORAGE_ACCESS_DENIED', false],
  [{ status: 405 }, 'STORAGE_REFUSED', false],
  [{ status: 423 }, 'STORAGE_THROTTLED', true],
  [{ status: 500 }, 'STORAGE_SERVER_ERROR', true],
  [{ status: 503 }, 'STORAGE_THROTTLED', true],
  [{ status: 507 }, 'STORAGE_NO_SPACE', false],
  [{ code: 'ECONNREFUSED' }, 'STORAGE_UNREACHABLE', true],
  [{ message: 'socket hang up' }, 'STORAGE_UNREACHABLE', true],
  [{ message: 'odd' }, 'STORAGE_BAD_REPLY', false],
])('webdav error %j is %s', (error, code, retryable) => {
  const context = { verb: 'read', path: '/p', endpoint: 'http://h' }
  expect(webdavError(Object.assign(new Error('x'), error), context)).toMatchObject({ code, retryable })
})
